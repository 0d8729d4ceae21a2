#include "models/pages/zone_limits.hpp"

#include <algorithm>
#include <spdlog/fmt/fmt.h>

namespace mmsim {

namespace {
constexpr std::uint64_t kbytes_per_frame = bytes_per_frame / 1024;

std::uint64_t min_free_of(const WatermarkParameters& p, std::uint64_t buffer_pages, std::uint64_t all_pages,
                          const Configuration& configuration) {
  if (p.min_free_kbytes == 0)
    return min_free_kbytes(buffer_pages * kbytes_per_frame,
                           static_cast<std::uint64_t>(p.min_free_kbytes_max));
  const auto by_hand = static_cast<std::uint64_t>(p.min_free_kbytes);
  if (by_hand >= all_pages * kbytes_per_frame)
    throw InputError(fmt::format("kernel.min_free_kbytes = {} keeps all memory free: the zones have {} KiB "
                                 "(machine.memory less the kernel's own); choose less of it",
                                 by_hand, all_pages * kbytes_per_frame),
                     configuration.find("kernel.min_free_kbytes")->origin);
  return by_hand;
}
} // namespace

MemoryLimits::MemoryLimits(const MemoryLayout& layout, const Configuration& configuration)
    : totalreserve_pages(0), zones(layout.zones().size()) {
  const auto marks = read_parameters<WatermarkParameters>(configuration);
  const auto pcp = read_parameters<PcpParameters>(configuration);
  check_pcp_parameters(pcp, configuration);

  std::uint64_t buffer_pages = 0; // nr_free_buffer_pages(): what GFP_USER may have
  std::uint64_t lowmem_pages = 0; // what is not high memory: everything
  std::vector<PerZoneType> pages(layout.nodes());
  for (const ZoneSpan& zone : layout.zones()) {
    lowmem_pages += zone.pages;
    if (zone.type <= ZoneType::normal) buffer_pages += zone.pages;
    pages[zone.node.value()][static_cast<std::size_t>(zone.type)] = zone.pages;
  }
  min_free_kbytes = min_free_of(marks, buffer_pages, lowmem_pages, configuration);

  // setup_per_zone_lowmem_reserve() of 2.6.24 makes a ratio of 0 one of 1.
  const std::int64_t least = marks.scale_factor == 0 ? 1 : 0;
  const PerZoneType ratios{static_cast<std::uint64_t>(std::max(marks.reserve_dma, least)),
                           static_cast<std::uint64_t>(std::max(marks.reserve_dma32, least)),
                           static_cast<std::uint64_t>(std::max(marks.reserve_normal, least)), 0};
  for (std::size_t i = 0; i < zones.size(); ++i) {
    const ZoneSpan& zone = layout.zones()[i];
    zones[i].watermarks = watermarks(min_free_kbytes / kbytes_per_frame, zone.pages, lowmem_pages,
                                     static_cast<std::uint64_t>(marks.scale_factor));
    const PerZoneType reserves =
        lowmem_reserves(pages[zone.node.value()], ratios)[static_cast<std::size_t>(zone.type)];
    std::ranges::transform(reserves, zones[i].lowmem_reserve.begin(),
                           [](std::uint64_t reserve) { return static_cast<std::uint32_t>(reserve); });
    zones[i].hot = hot_limits(pcp, zone.pages);
    zones[i].cold = cold_limits(pcp, zone.pages);
    const std::uint64_t reserve = std::ranges::max(zones[i].lowmem_reserve) + zones[i].watermarks.high;
    totalreserve_pages += std::min<std::uint64_t>(reserve, zone.pages);
  }
}

} // namespace mmsim
