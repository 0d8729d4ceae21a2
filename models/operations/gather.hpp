// Gathered frees: clear entries, flush, then free frames and tables (mmu_gather).
//
//   MmuGather gather(system, mm);
//   gather.zap(core, begin, end);       // unmap_vmas -> zap_pte_range
//   gather.unhook(core, floor, ceiling) // free_pgtables
//   gather.finish(core);                // tlb_finish_mmu: flush, free
//
// Models mm/mmu_gather.c and zap_pte_range() of mm/memory.c (5.10; include/asm-generic/tlb.h of 2.6.24):
// pages are collected up to a number and freed only after a flush that covers them. Left out: removal from
// the LRU, rss per kind, and what arm64 saves at exit: its tlb_flush() flushes a dying mm once, here a full batch of an
// exit flushes too (more than kernel.gather_pages pages).
#pragma once

#include "models/operations/page_tables.hpp"
#include "models/system.hpp"

#include <vector>

namespace mmsim {

/// Drops a reference; the last one frees the frame.
void put_page(System& system, Core& core, FrameNumber frame);

class MmuGather {
 public:
  /// `full_mm`: the whole address space goes, so that every flush covers all of it.
  MmuGather(System& system, MmStruct& mm, bool full_mm = false)
      : system_(system), mm_(mm), full_mm_(full_mm) {}

  /// Clears the entries of [begin, end) under their tables' locks and collects the frames.
  void zap(Core& core, PageNumber begin, PageNumber end);
  /// Unhooks the tables that cover nothing outside [floor, ceiling).
  void unhook(Core& core, PageNumber floor, PageNumber ceiling);
  /// Flushes what has been cleared and frees what has been collected.
  void finish(Core& core);

 private:
  void zap_table(Core& core, TablePage& table, PageNumber begin, PageNumber end);
  System& system_;
  MmStruct& mm_;
  const bool full_mm_;
  std::vector<FrameNumber> pages_;
  std::vector<UnhookedTable> tables_;
  PageNumber begin_{~std::uint64_t{0}}, end_{}; // what was cleared since the last flush
};

} // namespace mmsim
