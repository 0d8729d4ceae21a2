// Reclaim's work on a node's lists as 5.10 does it: from the tail of a list, 32 pages at a time.
//
//   ShrinkLists lists(means);
//   lists.shrink_active_list(task, node, 32, control, LruList::active);            // pages become inactive
//   freed = lists.shrink_inactive_list(task, node, 32, control, LruList::inactive); // pages go
//
// Models shrink_active_list(), shrink_inactive_list() with too_many_isolated(), shrink_page_list() with
// page_check_references() and move_pages_to_lru() of mm/vmscan.c, 5.10.35. A page in use has a second chance: the
// referenced entry that a first pass finds makes it PG_referenced, the one that the next finds makes it active; pages of
// executable files at once. Deactivation asks nobody but those.
//
// Pages that reclaim finds under write-back go to the active list with PG_reclaim, and from there to the tail of the
// inactive one when their write ends. Dirty pages of files are left to the flusher threads, unless kswapd has seen
// nothing but them (PGDAT_DIRTY). Unmapping is flushed for a batch (kernel.reclaim_flush), before a page is written
// through which somebody may still write, and before any is freed.
//
// Left out: what vmscan.hpp says; may_writepage, may_unmap and may_swap (always true here: no laptop mode, no zone
// reclaim); pages with buffers.
#pragma once

#include "models/reclaim/vmscan.hpp"
#include "models/reclaim/vmscan_page.hpp"
#include "models/rmap/unmap.hpp"

namespace mmsim {

/// struct scan_control of 5.10.
struct ScanControl {
  static constexpr int def_priority = 12;

  std::uint64_t nr_to_reclaim = swap_cluster_max;
  ZoneType reclaim_idx = ZoneType::movable;
  unsigned order = 0;
  int priority = def_priority;
  bool kswapd = false;
  bool deactivate_anon = false, deactivate_file = false; ///< may_deactivate
  bool force_deactivate = false, skipped_deactivate = false;
  bool cache_trim_mode = false; ///< there are inactive pages of files enough: those only
  bool file_is_tiny = false;    ///< too few pages of files to live by: anonymous ones only
  std::uint64_t anon_cost = 0, file_cost = 0;
  std::uint64_t nr_scanned = 0, nr_reclaimed = 0;
  struct {
    std::uint64_t unqueued_dirty = 0, writeback = 0, immediate = 0, file_taken = 0, taken = 0;
  } nr;
};

class ShrinkLists {
 public:
  explicit ShrinkLists(const VmScanMeans& means)
      : means_(means), system_(means.system), isolated_(means.timeouts.event("too_many_isolated")) {}

  /// At most `count` pages of an active list, which are a batch's.
  void shrink_active_list(Task& task, ReclaimNode& node, std::uint32_t count, ScanControl& control,
                          LruList list);
  /// Pages freed of at most `count`, which are a batch's, of an inactive list.
  std::uint64_t shrink_inactive_list(Task& task, ReclaimNode& node, std::uint32_t count, ScanControl& control,
                                     LruList list);

 private:
  /// struct reclaim_stat.
  struct Stat {
    std::uint64_t unqueued_dirty = 0, writeback = 0, immediate = 0, pageout = 0, activate = 0;
  };
  /// A list of pages under way.
  struct Batch {
    Task& task;
    ReclaimNode& node;
    ScanControl& control;
    Stat stat;
    UnmapBatch unmapped;
  };
  enum class References : std::uint8_t { reclaim, reclaim_clean, keep, activate };
  enum class Outcome : std::uint8_t { keep, keep_locked, activate_locked, freed };

  LruVec& lruvec(const ReclaimNode& node) { return system_.lru->vec(node.id.value()); }
  bool too_many_isolated(const ReclaimNode& node, bool file) const;
  std::uint64_t shrink_page_list(Batch& batch, FrameList& pages);
  Outcome shrink_page(Batch& batch, FrameNumber frame);
  Outcome meet_writeback(Batch& batch, IsolatedPage& page);
  References page_check_references(Task& task, FrameNumber frame, IsolatedPage& page);
  std::uint64_t move_pages_to_lru(Core& core, LruVec& vec, FrameList& pages, Pagevec& unused);
  void lru_note_cost(ReclaimNode& node, bool file, std::uint64_t pages);
  void free_unref_page_list(Core& core, Pagevec& pages);

  const VmScanMeans means_;
  System& system_;
  const WaitId isolated_;
};

} // namespace mmsim
