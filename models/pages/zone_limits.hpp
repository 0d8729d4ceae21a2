// What every zone of a machine keeps back, and how long its per-CPU lists are: computed once, at boot.
//
//   const MemoryLimits limits(layout, configuration);
//   limits.zones[layout.zone_of(frame)].watermarks.low
//
// Puts together watermarks.hpp and pcp_limits.hpp for a MemoryLayout, in the sizes that the kernel's version counts by
// (ZoneSpan::pages). Watermarks are 0 while they are computed, as at boot.
#pragma once

#include "models/pages/memory_layout.hpp"
#include "models/pages/pcp_limits.hpp"
#include "models/pages/watermarks.hpp"

#include <array>
#include <cstdint>
#include <vector>

namespace mmsim {

struct ZoneLimits {
  Watermarks watermarks;
  /// lowmem_reserve, by the highest zone that the allocation could use; 0 for its own.
  std::array<std::uint32_t, zone_type_count> lowmem_reserve;
  PcpLimits hot, cold; ///< `hot` is the list where there is only one
};

struct MemoryLimits {
  /// Throws InputError for a pcp_batch over pcp_high and for more min_free_kbytes than there is memory.
  MemoryLimits(const MemoryLayout& layout, const Configuration& configuration);

  std::uint64_t min_free_kbytes;
  std::uint64_t totalreserve_pages; ///< calculate_totalreserve_pages(): what user memory cannot have, in pages
  std::vector<ZoneLimits> zones; ///< as layout.zones()
};

} // namespace mmsim
