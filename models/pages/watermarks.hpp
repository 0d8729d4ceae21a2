// How many free pages a zone keeps back, and for whom: the kernel's arithmetic.
//
//   std::uint64_t kbytes = min_free_kbytes(lowmem_kbytes, 65536);            // 1024 at 64 MiB
//   Watermarks marks = watermarks(kbytes / 4, zone_pages, lowmem_pages, 0);
//   // low = min + min/4, high = min + min/2
//
// Models init_per_zone_pages_min(), setup_per_zone_pages_min() and setup_per_zone_lowmem_reserve() of 2.6.24,
// and init_per_zone_wmark_min(), __setup_per_zone_wmarks() and setup_per_zone_lowmem_reserve() of 5.10.
// Without high memory, which no machine here has; ZONE_MOVABLE is treated as any other there.
//
// Left out: watermark boosts (5.0), and what khugepaged adds to min_free_kbytes where huge pages are on
// (set_recommended_min_free_kbytes(); kernel.min_free_kbytes does it by hand).
#pragma once

#include "models/pages/zone_sizes.hpp"
#include "sim/engine/parameter.hpp"

#include <array>
#include <cstdint>

namespace mmsim {

struct WatermarkParameters {
  std::int64_t min_free_kbytes, min_free_kbytes_max, scale_factor;
  std::int64_t reserve_dma, reserve_dma32, reserve_normal;
  static void declare(Declaration& d, WatermarkParameters& p);
};
inline const DeclareParameters<WatermarkParameters> declared_watermark_parameters;

/// Free pages of a zone at which allocations stop (min), kswapd starts (low) and kswapd stops (high).
struct Watermarks {
  std::uint32_t min, low, high;
  friend bool operator==(const Watermarks&, const Watermarks&) = default;
};

/// lib/int_sqrt.c: the square root, rounded down.
std::uint64_t int_sqrt(std::uint64_t number);

/// What the kernel chooses for `lowmem_kbytes` of memory up to ZONE_NORMAL: between 128 and `most`.
std::uint64_t min_free_kbytes(std::uint64_t lowmem_kbytes, std::uint64_t most);

/// Of a zone of `pages`, which gets its share of `pages_min` among `lowmem_pages` in all. With a
/// `scale_factor` of 0, 2.6.24's steps of a quarter; else 5.10's, of at least that many ten thousandths of
/// the zone.
Watermarks watermarks(std::uint64_t pages_min, std::uint64_t pages, std::uint64_t lowmem_pages,
                      std::uint64_t scale_factor);

/// lowmem_reserve of the zones of one node: [zone][type of the highest zone that the allocation could use].
/// `pages` are the zones' sizes, 0 for what the node does not have. A ratio of 0 is no reserve.
std::array<PerZoneType, zone_type_count> lowmem_reserves(const PerZoneType& pages, const PerZoneType& ratios);

} // namespace mmsim
