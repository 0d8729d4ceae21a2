// Per-CPU lists of free frames, in front of a zone.
//
//   FrameNumber frame = lists.take(core, Temperature::hot);   // allocation: refills in a batch when empty
//   lists.put(core, frame, Temperature::hot);                 // free: drains a batch when full
//   lists.drain(core);                                        // gives everything back to the zone
//
// One object a zone, with the lists of all cores: struct per_cpu_pages. One implementation a file (none.cpp,
// hot_cold.cpp, merged.cpp), chosen by kernel.pcp; each says which kernel it follows.
//
// Left out: a list a migrate type, higher orders on the lists (5.13), draining the lists of other CPUs.
#pragma once

#include "models/pages/pcp_limits.hpp"
#include "models/pages/zone.hpp"
#include "sim/engine/registry.hpp"

#include <functional>
#include <memory>

namespace mmsim {

class PerCpuLists {
 public:
  static constexpr std::string_view registry_path = "kernel.pcp";
  /// For `cpus` cores in front of `zone`, which outlives it.
  using Factory =
      std::function<std::unique_ptr<PerCpuLists>(Zone& zone, std::uint32_t cpus, const PcpParameters&)>;

  virtual ~PerCpuLists() = default;

  // In the order in which a frame meets them, each with irqs off on `core` and on its lists:

  /// A single frame; no_frame if list and zone are empty. The caller sets its state.
  virtual FrameNumber take(Core& core, Temperature temperature) = 0;
  /// A frame that take() gave, of this zone.
  virtual void put(Core& core, FrameNumber frame, Temperature temperature) = 0;
  /// drain_pages: the core's lists, all of them, go back to the zone.
  virtual void drain(Core& core) = 0;

  /// Shows every list, for checks.
  using Visit = std::function<void(CoreId, const FrameList&)>;
  virtual void for_each_list(const Visit& visit) const = 0;
};

} // namespace mmsim
