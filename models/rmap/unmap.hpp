// What reclaim asks of a page's mappings: whether they were used, and that they go.
//
//   const int referenced = page_referenced(system, task, frame);   // entries that were young, now old
//   switch (try_to_unmap(system, task, frame, &batch)) ...         // every entry: cleared, or a swap entry
//   try_to_unmap_flush(system, task, batch);                       // before the page is written or freed
//
// Models page_referenced(), page_referenced_one(), try_to_unmap() and try_to_unmap_one() of mm/rmap.c in 2.6.0, 2.6.24
// and 5.10.35, for each mapping in the order of steps:
//   2.6.0, 2.6.24   locked area? used meanwhile (2.6.24)? ptep_clear_flush(); dirty; swap_duplicate() and the swap entry;
//                   rss; page_remove_rmap(); page_cache_release()
//   5.10            the same, but that the flush may be left to try_to_unmap_flush() (should_defer_flush(),
//                   set_tlb_ubc_flush_pending(); kernel.reclaim_flush = "batched")
// How the mappings are found, and which locks are held meanwhile, is the reverse map's (reverse_map.hpp). Clearing the
// young bit takes no permission away: where the hardware sets it, an old translation goes on to be used without noting
// it until it falls out of the TLB or is flushed (kernel.young_flush); where a fault sets it, an entry that is not young
// is invalid to the hardware, whose TLBs may still have it.
//
// Left out: mlocked pages moving to the unevictable list (they stay where they are and are refused here each time);
// that page_referenced() of 2.6.24 goes on beyond locked areas of anonymous pages, and counts the swap token only if
// mmap_sem is taken; mmlist_lock, taken once an mm for
// swapoff; hiwater_rss; mmu notifiers; MADV_FREE.
#pragma once

#include "models/rmap/reverse_map.hpp"
#include "models/tlb_flush/tlb_batch.hpp"

namespace mmsim {

/// struct tlbflush_unmap_batch: what was unmapped and is not flushed yet, with kernel.reclaim_flush = "batched".
struct UnmapBatch {
  bool flush_required = false; ///< something is in it
  bool writable = false; ///< an entry in it may still be written through: flush before writing the page out
  TlbBatch tlb;
};

enum class Unmapped : std::uint8_t {
  success, ///< nobody maps it any more
  again,   ///< a lock could not be had, or somebody has mapped it meanwhile
  fail     ///< an area is locked, or an entry was used meanwhile (kernel.unmap_checks_young)
};

/// page_referenced(): the entries of the page that were young, which are old now; a VM_LOCKED area ends it. A page that
/// was used through an executable area says so in `executable`, if that is given. Who has not locked a page of a file
/// says so: it is locked here then, and if somebody else has, the answer is 1. May sleep.
int page_referenced(System& system, Task& task, FrameNumber frame, bool* executable = nullptr,
                    bool is_locked = true);

/// try_to_unmap() of a locked page: a page in the swap cache leaves swap entries behind, a file's page nothing; dirty
/// entries make the page dirty. With `batch`, flushes wait for try_to_unmap_flush() where the kernel lets them. May sleep.
Unmapped try_to_unmap(System& system, Task& task, FrameNumber frame, UnmapBatch* batch);

/// try_to_unmap_flush(): one round of interrupts for all that is in it; on arm64 one DSB. Empties it. (Its user calls it
/// for try_to_unmap_flush_dirty() if the batch is `writable`.)
void try_to_unmap_flush(System& system, Task& task, UnmapBatch& batch);

// The steps, which swap_out() of 2.4 has as well.

/// ptep_clear_flush_young() under the table's lock: true if the entry was young.
bool ptep_clear_flush_young(System& system, Core& core, const Mapping& mapping);
/// set_page_dirty() of a page that was mapped by a dirty entry.
void set_page_dirty(System& system, Core& core, FrameNumber frame);
/// What is left to do for a page whose entry was cleared and flushed: rss, its mapping and the mapping's reference go. A
/// page in the swap cache leaves a swap entry in the table.
void drop_mapping(System& system, Core& core, FrameNumber frame, const Mapping& mapping);

} // namespace mmsim
