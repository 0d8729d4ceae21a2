// Reclaim's scan: which pages go, in what order and how hard it tries.
//
//   scan.try_to_free_pages(task, request);      // direct reclaim: how many pages were freed
//   scan.balance_pgdat(task, node);             // kswapd: until the node has enough, or nothing helps
//
// Models mm/vmscan.c. One version a file:
// - vmscan_swap_tendency.cpp (2.6.24): zone by zone, one pair of lists; mapped pages are spared until the swap tendency
//   (distress, share of mapped pages, swappiness) reaches 100.
// - vmscan_scan_count.cpp (5.10): node by node, lists of anonymous and of file pages, scanned in proportion to what
//   their pages lately cost (get_scan_count()).
// - vmscan_max_mapped.cpp (2.4.18): for a reverse map that finds no mappings: counts the mapped pages that it passes
//   over, and has address spaces walked when there were too many.
// Which of the first two runs follows from the lists: kernel.lru.
//
// The pieces that they share, a page at a time, are in vmscan_page.hpp. Costs: machine.work.reclaim_round a look at a
// zone or node, machine.work.reclaim_page a page and pass; lists and their lock, page locks, the reverse map, flushes,
// the swap cache and freeing cost what they cost.
//
// Left out: slab caches (none here has a shrinker, so that shrink_slab() finds nothing to do), memory cgroups,
// compaction and lumpy reclaim (orders above 0 are reclaimed for as order 0 is), workingset shadows and refaults (of
// 5.10's active lists only the ratio to the inactive ones decides), laptop mode, zone_reclaim and node_reclaim, mlocked
// pages' own list, transparent huge pages, lazily freed pages, watermark boosts, PSI, vmpressure.
#pragma once

#include "models/pages/gfp.hpp"
#include "models/pages/memory_layout.hpp"
#include "models/pages/vm_stat.hpp"
#include "models/reclaim/congestion.hpp"
#include "models/reclaim/reclaim_observer.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace mmsim {

class System;
class Task;
class Zone;

inline constexpr std::uint32_t swap_cluster_max = 32; ///< SWAP_CLUSTER_MAX

/// What reclaim keeps of a node: fields of pg_data_t and of its lruvec.
struct ReclaimNode {
  NodeId id{};
  std::vector<std::uint32_t> zones; ///< their indices, from the lowest type up
  Task* kswapd = nullptr;           ///< made when it is first woken
  bool kswapd_asleep = false;       ///< waitqueue_active(&pgdat->kswapd_wait)
  bool kswapd_woken = false;
  bool kswapd_asked = false; ///< since its round began, for:
  unsigned kswapd_order = 0;
  ZoneType kswapd_highest = ZoneType::dma;
  unsigned order = 0; ///< what its present round is for
  ZoneType highest = ZoneType::dma;
  int kswapd_failures = 0; ///< rounds in which it has reclaimed nothing
  bool dirty = false;      ///< PGDAT_DIRTY: the tail of the file list is full of pages that nobody writes yet
  bool writeback = false;  ///< PGDAT_WRITEBACK: it is full of pages that are being written
  std::uint64_t anon_cost = 0, file_cost = 0; ///< of the lruvec: lru_note_cost()
  CacheLine wait_line{"kswapd_wait"};
  WaitQueue pfmemalloc_wait{"pfmemalloc_wait"};
};

/// Who asks for memory, and of which zones.
struct ReclaimRequest {
  std::span<const std::uint32_t> zonelist;
  ZoneType highest;
  unsigned order;
};

/// What versions are made of.
struct VmScanMeans {
  System& system;
  std::vector<std::unique_ptr<ReclaimNode>>& nodes; ///< by id
  Timeouts& timeouts;
  Congestion& congestion;
  ReclaimObserver*& observer;
  std::uint64_t swappiness;
};

class VmScan {
 public:
  virtual ~VmScan() = default;
  // `task` stays on its core, may sleep, and has PF_MEMALLOC.

  /// try_to_free_pages(): pages freed, or what the version returns instead.
  virtual std::uint64_t try_to_free_pages(Task& task, const ReclaimRequest& request) = 0;
  /// balance_pgdat(): a round of kswapd.
  virtual void balance_pgdat(Task& task, ReclaimNode& node) = 0;
  /// Whether wakeup_kswapd() finds it worth while to wake it.
  virtual bool wakes_kswapd(const ReclaimNode&) const { return true; }
  /// kswapd_try_to_sleep(): sleeps until wake_up_kswapd(), or returns at once if there is work.
  virtual void try_to_sleep(Task& task, ReclaimNode& node) = 0;
};

/// Pages of a node at this instant, as far as they are published. The lines are part of reclaim_round.
std::uint64_t node_pages(const System& system, const ReclaimNode& node, VmStatItem item);
/// kswapd is on its wait queue from now on: what wakes it lets the next sleep return at once.
void prepare_to_wait(Task& task, ReclaimNode& node);
/// After that it sleeps until it is woken: true; or until `until`.
bool sleep_on_kswapd_wait(const VmScanMeans& means, Task& task, ReclaimNode& node, Instant until);
/// wake_up_interruptible(&pgdat->kswapd_wait), of a thread that is there. On a CPU of its node that has nothing to do,
/// if there is one.
void wake_up_kswapd(System& system, Core& core, ReclaimNode& node);

std::unique_ptr<VmScan> make_swap_tendency(const VmScanMeans& means);
std::unique_ptr<VmScan> make_scan_count(const VmScanMeans& means);
std::unique_ptr<VmScan> make_max_mapped(const VmScanMeans& means);

} // namespace mmsim
