// Gathered frees: clear entries, flush, then free frames and tables (mmu_gather).
//
//   MmuGather gather(system, core, mm); // tlb_gather_mmu
//   gather.zap(task, begin, end);       // unmap_vmas -> zap_pte_range
//   gather.unhook(core, floor, ceiling) // free_pgtables
//   gather.finish(core);                // tlb_finish_mmu: flush, free
//   gather.finish_or_defer(core, first, end); // the same, but a policy may flush and free later
//
// Models mm/mmu_gather.c and zap_pte_range() of mm/memory.c (5.10; include/asm-generic/tlb.h of 2.6.24):
// pages are collected up to a number and freed only after a flush that covers them, by
// free_pages_and_swap_cache(), which takes them off the LRU. When that number is reached (kernel.gather_full)
// 5.10 flushes before it drops the table's lock, frees without it and takes it again; 2.6.24 does both in
// tlb_remove_page(), so with the lock held, and goes on. Where a dirty page of a file was unmapped the flush
// comes before the lock is dropped, too, and all that was collected is freed after it (kernel.zap_dirty_flush,
// since 3.16). Callers call lru_add_drain() first, as unmap_region(), exit_mmap() and zap_page_range() do.
//
// Others run on the core between two tables, and within one where somebody wants to (need_resched(): 5.10 drops
// the lock for that). 2.6.24 lets them only where unmap_vmas() has ended its gather, every kernel.zap_block
// pages.
//
// mm->tlb_flush_pending (kernel.tlb_flush_pending, since 4.13) counts the gathers of an address space. Who ends
// one while there is another flushes the whole address space, as if tables had been freed, whatever it has
// found itself (mm_tlb_flush_nested()): the other may have cleared entries here that it has not flushed yet.
// The count stands on a line of its own.
//
// Where an address space goes, arm64's tlb_flush() flushes only what tables were freed under, all of the id,
// once: pages alone need nothing, since nobody runs there any more and the id is not used again before
// everything is flushed (kernel.exit_flush = "tables"; the generic one, as in 2.6.24, flushes the mm with every
// batch: "always"). Left out: rss per kind, tlb_fast_mode() (2.6.24 with one CPU online frees page by page,
// without a gather), 3.0 to 3.15, which flushed a full gather without the lock.
//
// Policies may change the order. One that frees_first() gives pages back where they are collected
// (tlb_flush/arm_free_first.cpp). One that defers() is asked at the end of a munmap whether it takes over what
// was collected, with the flush (tlb_flush/latr.hpp); what it takes does not become a flush of everything.
#pragma once

#include "models/operations/page_tables.hpp"
#include "models/system.hpp"

#include <vector>

namespace mmsim {

/// Drops a reference; the last one takes the frame off the LRU, if it is on it, and frees it.
void put_page(System& system, Core& core, FrameNumber frame);

/// mm_tlb_flush_nested() in tlb_finish_mmu(), with the caller's own gather still counted (kernel.tlb_flush_pending): flushes
/// the whole address space if another gather of it is under way. True if so.
bool flush_if_nested(System& system, Core& core, MmStruct& mm);

/// zap_work counts bytes of entries that were there, and empty entries.
inline constexpr std::int64_t zap_work_of_a_page = 4096;

class MmuGather {
 public:
  /// tlb_gather_mmu(). `full_mm`: the whole address space goes, so that every flush covers all of it. `refill`:
  /// others may fault pages in meanwhile.
  MmuGather(System& system, Core& core, MmStruct& mm, bool full_mm = false,
            Refill refill = Refill::forbidden);

  /// Clears the entries of [begin, end) under their tables' locks and collects the frames. What dirty entries say
  /// becomes the pages', and what young ones say the LRU's, unless the area is `sequential` (VM_SEQ_READ).
  /// Others may run on the core meanwhile.
  void zap(Task& task, PageNumber begin, PageNumber end, bool sequential = false);
  /// Unhooks the tables that cover nothing outside [floor, ceiling).
  void unhook(Core& core, PageNumber floor, PageNumber ceiling);
  /// tlb_finish_mmu(): flushes what has been cleared and frees what has been collected.
  void finish(Core& core);
  /// finish() of a munmap or an madvise of [first, end), whose pages nobody may use again before what has
  /// been cleared was flushed. munmap's addresses are withheld as long.
  void finish_or_defer(Core& core, PageNumber first, PageNumber end);

 private:
  struct Zapped {
    PageNumber end;
    bool force_flush; // the gather is full, or a dirty page of a file was met (kernel.zap_dirty_flush)
  };
  PageNumber zap_table(Task& task, TablePage& table, PageNumber begin, PageNumber end);
  Zapped zap_pte_range(Core& core, TablePage& table, PageNumber begin, PageNumber end);
  void free_swapped(Core& core);
  void hand_on_flags(Core& core);
  void flush(Core& core);
  void reset_range();
  void flush_and_free(Core& core);
  void ended(Core& core);
  bool in_blocks() const { return system_.parameters.zap_block > 0; }
  System& system_;
  MmStruct& mm_;
  const bool full_mm_;
  const Refill refill_;
  std::int64_t zap_work_; // what is left of the block (zap_work of unmap_vmas())
  std::vector<FrameNumber> pages_;
  struct Removed {
    FrameNumber frame;
    std::size_t index;
  };
  struct Used {
    FrameNumber frame;
    bool young, dirty;
  };
  std::vector<Used> used_; // of the last stretch: pages of files whose entries say something
  bool sequential_ = false;
  std::vector<FrameNumber> unmapped_; // of the last stretch: those whose last mapping went
  std::vector<Removed> removed_;      // all of them, where the reverse map keeps each entry
  std::vector<SwapEntry> swapped_;    // and the swap entries in it
  std::vector<UnhookedTable> tables_;
  PageNumber begin_{~std::uint64_t{0}}, end_{}; // what was cleared since the last flush
};

} // namespace mmsim
