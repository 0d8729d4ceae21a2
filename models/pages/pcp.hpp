// Per-CPU lists of free frames, in front of a zone.
//
//   FrameNumber frame = lists.take(core, {MigrateType::movable});   // allocation: refills in a batch when empty
//   lists.put(core, frame, Temperature::hot);                       // free: drains a batch when full
//   lists.drain(core);                                              // gives everything back to the zone
//
// One object a zone, with the lists of all cores: struct per_cpu_pages. One implementation a file (none.cpp,
// hot_cold.cpp, merged.cpp), chosen by kernel.pcp; each says which kernel it follows. A frame on a list has the
// migrate type that it was taken for, or that its pageblock had when it was freed, in its `flags`: page_private().
// How long the lists are: pcp_limits.hpp.
//
// Left out: higher orders on the lists (5.13); giving lists of far nodes back after three seconds
// (refresh_cpu_vm_stats(); here only drain() does).
#pragma once

#include "models/pages/pcp_limits.hpp"
#include "models/pages/zone.hpp"
#include "sim/engine/parameter.hpp"
#include "sim/engine/registry.hpp"

#include <functional>
#include <memory>
#include <span>
#include <string>

namespace mmsim {

/// What only some implementations look at.
struct PcpListParameters {
  bool prefetch_buddy;
  static void declare(Declaration& d, PcpListParameters& p) {
    d("kernel.pcp_prefetch_buddy", p.prefetch_buddy, true,
      "a drain fetches the struct pages of the frames' buddies before it takes zone->lock (pcp = merged "
      "only)",
      "mm/page_alloc.c free_pcppages_bulk, prefetch_buddy: since 4.18");
  }
};
inline const DeclareParameters<PcpListParameters> declared_pcp_list_parameters;

class PerCpuLists {
 public:
  static constexpr std::string_view registry_path = "kernel.pcp";
  /// For `cpus` cores in front of `zone`, which outlives it.
  using Factory =
      std::function<std::unique_ptr<PerCpuLists>(Zone& zone, std::uint32_t cpus, const PcpListParameters&)>;

  virtual ~PerCpuLists() = default;

  // In the order in which a frame meets them, each with irqs off on `core` and on its lists:

  struct Wish {
    MigrateType type;
    Temperature temperature = Temperature::hot;
    bool no_fragment = false; ///< ALLOC_NOFRAGMENT for a refill
  };
  /// A single frame; no_frame if list and zone have none of that type or to steal from. The caller sets its state.
  virtual FrameNumber take(Core& core, const Wish& wish) = 0;
  /// A frame that take() gave, of this zone.
  virtual void put(Core& core, FrameNumber frame, Temperature temperature) = 0;
  /// drain_pages: the core's lists, all of them, go back to the zone.
  virtual void drain(Core& core) = 0;

  /// A CPU's list, for checks and /proc.
  struct Shown {
    const FrameList& frames;
    PcpLimits limits;
    /// The type of all that is on it; none: any.
    std::optional<MigrateType> type;
  };
  using Visit = std::function<void(CoreId, const Shown&)>;
  virtual void for_each_list(const Visit& visit) const = 0;

  /// struct per_cpu_pages as /proc/zoneinfo shows it: hot and cold, or one; nothing without lists.
  struct Pageset {
    std::uint32_t count;
    PcpLimits limits;
  };
  virtual std::vector<Pageset> pageset(CoreId core) const = 0;
};

} // namespace mmsim
