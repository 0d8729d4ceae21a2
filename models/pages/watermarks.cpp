#include "models/pages/watermarks.hpp"

#include <algorithm>

namespace mmsim {

void WatermarkParameters::declare(Declaration& d, WatermarkParameters& p) {
  d("kernel.min_free_kbytes", p.min_free_kbytes, 0,
    "memory in KiB that watermarks keep free, shared out to the zones by size; 0: by formula, "
    "int_sqrt(16 * KiB up to ZONE_NORMAL)",
    "mm/page_alloc.c init_per_zone_pages_min(), 5.10: init_per_zone_wmark_min()")
      .at_least(0);
  d("kernel.min_free_kbytes_max", p.min_free_kbytes_max, 262144, "the most that the formula gives",
    "ibid.: 65536 to 5.8, 262144 since 5.9")
      .at_least(128);
  d("kernel.watermark_scale_factor", p.scale_factor, 10,
    "least distance of low from min and of high from low, in ten thousandths of the zone; 0: none, high is "
    "min and half of it (2.6.24)",
    "5.10 watermark_scale_factor, since 4.6")
      .at_least(0)
      .at_most(1000);
  constexpr const char* reserve_help =
      " keeps one page back for every so many above it in its node from allocations "
      "that could go there; 0: none, but 1 in 2.6.24 (kernel.watermark_scale_factor = 0)";
  constexpr const char* source = "sysctl_lowmem_reserve_ratio of both kernels";
  d("kernel.lowmem_reserve_dma", p.reserve_dma, 256, std::string("ZONE_DMA") + reserve_help, source)
      .at_least(0);
  d("kernel.lowmem_reserve_dma32", p.reserve_dma32, 256, std::string("ZONE_DMA32") + reserve_help, source)
      .at_least(0);
  d("kernel.lowmem_reserve_normal", p.reserve_normal, 32, std::string("ZONE_NORMAL") + reserve_help, source)
      .at_least(0);
}

std::uint64_t int_sqrt(std::uint64_t number) {
  std::uint64_t root = 0;
  for (std::uint64_t bit = std::uint64_t{1} << 31; bit != 0; bit >>= 1)
    if ((root | bit) * (root | bit) <= number) root |= bit;
  return root;
}

std::uint64_t min_free_kbytes(std::uint64_t lowmem_kbytes, std::uint64_t most) {
  return std::clamp<std::uint64_t>(int_sqrt(lowmem_kbytes * 16), 128, most);
}

Watermarks watermarks(std::uint64_t pages_min, std::uint64_t pages, std::uint64_t lowmem_pages,
                      std::uint64_t scale_factor) {
  const std::uint64_t min = pages_min * pages / lowmem_pages;
  std::uint64_t low = min + min / 4, high = min + min / 2;
  if (scale_factor != 0) {
    const std::uint64_t step = std::max(min / 4, pages * scale_factor / 10'000);
    low = min + step;
    high = min + 2 * step;
  }
  return {static_cast<std::uint32_t>(min), static_cast<std::uint32_t>(low), static_cast<std::uint32_t>(high)};
}

std::array<PerZoneType, zone_type_count> lowmem_reserves(const PerZoneType& pages,
                                                         const PerZoneType& ratios) {
  std::array<PerZoneType, zone_type_count> reserves{};
  for (std::size_t type = 0; type < zone_type_count; ++type) {
    std::uint64_t above = pages[type];
    for (std::size_t lower = type; lower-- > 0; above += pages[lower])
      reserves[lower][type] = ratios[lower] == 0 ? 0 : above / ratios[lower];
  }
  return reserves;
}

} // namespace mmsim
