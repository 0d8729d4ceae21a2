// How many pages are what: the counters of zones and nodes, of which each CPU keeps back a differential.
//
//   VmStat vm_stat(machine, layout.zones(), configuration);
//   vm_stat.mod(core, zone, NR_FREE_PAGES, -31);          // irqs off: stays with the CPU, or is published
//   vm_stat.mod_irqsafe(core, zone, NR_ACTIVE_ANON, 1);
//   vm_stat.read(core, zone, NR_FREE_PAGES);              // zone_page_state(): off by up to threshold a CPU
//
// Models __mod_zone_page_state(), __inc_zone_state() and __dec_zone_state() with their overstep,
// refresh_cpu_vm_stats() and refresh_zone_stat_thresholds() of mm/vmstat.c, 2.6.24 and 5.10. A CPU's s8 is
// its own and costs nothing beside the work that changes it; once it is over stat_threshold it goes to the
// zone's count, then to the machine's, by one atomic operation each on a line of its own. kernel.vm_stat says
// what is counted where:
// - `zone`, 2.6.24 (to 4.7): everything by zone; a refill of a per-CPU list counts every page that it takes.
// - `node`, 5.10 (since 4.8): free pages and page tables by zone, the LRU by zone and by node, the rest by
//   node, whose counters are on lines of their own; a refill counts once.
//
// Left out: percpu_drift_mark with zone_page_state_snapshot() (kswapd's) and its smaller threshold under
// pressure; the NUMA counters that 2.6.24 keeps here too (ZoneEvents counts them for nothing); vmstat_work,
// which folds every second; that a zone's counters fill more than one line.
#pragma once

#include "models/pages/memory_layout.hpp"
#include "sim/machine/cache_line.hpp"
#include "sim/machine/core.hpp"
#include "sim/machine/machine.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <span>
#include <string>
#include <vector>

namespace mmsim {

/// zone_stat_item and node_stat_item: those that the model updates, in pages.
enum VmStatItem : std::uint8_t {
  NR_FREE_PAGES,         ///< in the buddy system, without per-CPU lists
  NR_INACTIVE_ANON,      ///< on the inactive list (2.6.24: NR_INACTIVE)
  NR_ACTIVE_ANON,        ///< on the active list (2.6.24: NR_ACTIVE)
  NR_ANON_MAPPED,        ///< mapped anonymous pages (2.6.24: NR_ANON_PAGES)
  NR_PAGETABLE,          ///< used for page tables
  NR_SLAB_RECLAIMABLE,   ///< of slab caches that shrink when asked
  NR_SLAB_UNRECLAIMABLE, ///< of other slab caches
  NR_FILE_PAGES,         ///< in the page cache
  NR_FILE_MAPPED,        ///< of those, mapped
  NR_FILE_DIRTY,         ///< of those, to be written back
  NR_INACTIVE_FILE,      ///< of files, on the inactive list (2.6.24 has NR_INACTIVE for all)
  NR_ACTIVE_FILE,        ///< of files, on the active list
  NR_WRITEBACK,          ///< on their way to a device
  NR_ISOLATED_ANON,      ///< taken off their list by reclaim (since 2.6.32)
  NR_ISOLATED_FILE,      ///< likewise, of files
  NR_VMSCAN_WRITE,       ///< written by reclaim, since the start
};
inline constexpr std::size_t vm_stat_items = NR_VMSCAN_WRITE + 1;

struct VmStatParameters {
  std::string counted;
  static void declare(Declaration& d, VmStatParameters& p);
};
inline const DeclareParameters<VmStatParameters> declared_vm_stat_parameters;

class VmStat {
 public:
  /// `zones`: MemoryLayout::zones(), whose indices all of this takes.
  VmStat(const Machine& machine, std::span<const ZoneSpan> zones, const Configuration& configuration);

  /// __mod_zone_page_state(), in 5.10 __mod_node_page_state() as well or instead. With irqs off.
  void mod(Core& core, std::uint32_t zone, VmStatItem item, std::int32_t delta);
  void mod_irqsafe(Core& core, std::uint32_t zone, VmStatItem item, std::int32_t delta);
  /// One page more or less, as the version counts single pages: by inc() and dec() in 2.6.24; in 5.10 by
  /// mod() but for page tables (inc_zone_page_state()). With irqs off.
  void count_page(Core& core, std::uint32_t zone, VmStatItem item, std::int32_t one) {
    if (has_nodes() && item != NR_PAGETABLE)
      mod(core, zone, item, one);
    else
      step(core, zone, item, one);
  }
  /// __inc_zone_state() and __dec_zone_state(): publish half a threshold more, so that the next ones stay
  /// with the CPU for longer. With irqs off.
  void inc(Core& core, std::uint32_t zone, VmStatItem item) { step(core, zone, item, 1); }
  void dec(Core& core, std::uint32_t zone, VmStatItem item) { step(core, zone, item, -1); }
  /// One page more, before the machine runs: published at once.
  void count_at_boot(std::uint32_t zone, VmStatItem item, std::int32_t delta);
  /// refresh_cpu_vm_stats(): publishes what the core keeps back.
  void fold(Core& core);

  /// zone_page_state(): what has been published, never below 0. The core reads the line unless it holds it:
  /// then the look is part of the path's work, is not ordered after charges that are pending, and takes no
  /// time.
  std::int64_t read(Core& core, std::uint32_t zone, VmStatItem item) {
    Group& group = zones_[zone];
    if (!group.line.held_by(core)) core.read(group.line);
    return published(zone, item);
  }
  /// global_page_state(), of an item that is counted by zone: what has been published, never below 0. Reads
  /// the line that every publication writes.
  std::int64_t read_global(Core& core, VmStatItem item) {
    core.read(all_zones_.line);
    return std::max<std::int64_t>(all_zones_.value[item], 0);
  }
  /// global_page_state(), global_node_page_state(): the same of any item, wherever the version counts it.
  std::int64_t read_machine(Core& core, VmStatItem item) {
    Global& all = counted_by_node(item) ? all_nodes_ : all_zones_;
    core.read(all.line);
    return std::max<std::int64_t>(all.value[item], 0);
  }
  /// The same of any item, by who has just read another one with read_global(). Takes no time.
  std::int64_t global_now(VmStatItem item) const {
    const Global& all = counted_by_node(item) ? all_nodes_ : all_zones_;
    return std::max<std::int64_t>(all.value[item], 0);
  }
  /// The same at this instant, for those outside of the machine.
  std::int64_t published(std::uint32_t zone, VmStatItem item) const {
    const std::int64_t value = zones_[zone].value[item];
    return value < 0 ? 0 : value;
  }
  /// What all parts add up to at this instant, by zone where the version counts it there; else 0. Takes no
  /// time.
  std::int64_t exact_now(std::uint32_t zone, VmStatItem item) const { return sum(zones_[zone], item); }
  /// By node, whatever the version counts.
  std::int64_t exact_of_node(NodeId node, VmStatItem item) const;
  /// As published(), by node.
  std::int64_t published_of_node(NodeId node, VmStatItem item) const;

  /// calculate_threshold() (2.6.24), calculate_normal_threshold() (5.10).
  std::int32_t stat_threshold(std::uint32_t zone) const { return zones_[zone].threshold; }
  /// There are counters of nodes: 5.10.
  bool has_nodes() const { return !nodes_.empty(); }
  bool counted_by_zone(VmStatItem item) const;
  bool counted_by_node(VmStatItem item) const;

 private:
  using Items = std::array<std::int64_t, vm_stat_items>;
  /// The counters of a zone, or of a node.
  struct Group {
    Group(const char* name, std::uint32_t cpus) : line(name), differentials(cpus) {}
    CacheLine line;
    Items value{};
    std::int32_t threshold = 0;
    NodeId node{};
    std::vector<std::array<std::int8_t, vm_stat_items>> differentials; // by cpu
  };

  /// vm_stat[], vm_zone_stat[], vm_node_stat[].
  struct Global {
    CacheLine line;
    Items value{};
  };

  void add(Core& core, Group& group, Global& all, VmStatItem item, std::int32_t delta);
  void step(Core& core, std::uint32_t zone, VmStatItem item, std::int32_t one);
  void step_in(Core& core, Group& group, Global& all, VmStatItem item, std::int32_t one);
  void publish(Core& core, Group& group, Global& all, VmStatItem item, std::int32_t amount,
               std::int32_t left);
  void fold(Core& core, std::deque<Group>& groups, Global& all);
  static std::int64_t sum(const Group& group, VmStatItem item);

  std::deque<Group> zones_, nodes_; // nodes: only where there are counters of nodes
  Global all_zones_{CacheLine("vm_zone_stat")},
      all_nodes_{CacheLine("vm_node_stat")}; // 2.6.24: the first is vm_stat
};

} // namespace mmsim
