// An address space.
//
// Models mm_struct: mm_users (threads) and mm_count (users as one, and whoever borrows it lazily), mmap_lock,
// page_table_lock, the cores that may hold its translations (mm_cpumask), its generation of translations
// (tlb_gen), its address-space id, areas and page tables. Counts, mask and generation each are on a cache
// line of their own; the kernel puts some of them together by configuration. has_pinned and
// write_protect_seq (5.10.35) are neighbours on one line, as they are there; the other neighbours that they
// have there (mm_users, mm_count, mmap_lock's count) keep lines of their own. Where the page directory is
// (pgd), which every fault reads, stands on mmap_lock's line or on one that is only read
// (kernel.pgd_with_mmap_lock): by the order of fields it is with mmap_lock in 2.6.24 and 5.10, and on x86 in
// 6.2; on arm64 from 6.1 to 6.4 it is in mm_struct's first line, at 48 bytes, and mmap_lock at about 96.
#pragma once

#include "models/address_space/page_table.hpp"
#include "models/address_space/vma_trees.hpp"
#include "models/address_space/withheld.hpp"
#include "models/locks/rw_semaphore.hpp"
#include "models/locks/seqcount.hpp"
#include "models/locks/shared_count.hpp"
#include "models/locks/spinlock.hpp"
#include "sim/machine/core_set.hpp"

#include <boost/intrusive/list.hpp>
#include <cstdint>
#include <memory>
#include <vector>

namespace mmsim {

/// Entries of an address space that were changed while translations made from the old ones may still be in
/// TLBs.
struct OpenChange {
  PageNumber begin, end;
  std::uint64_t sequence;
  bool refill; ///< another translation may come in before the flush
};

/// What an mm remembers of the swap token (models/reclaim/swap_token.hpp).
struct SwapTokenInfo {
  std::uint64_t faultstamp = 0, last_interval = 0, priority = 0;
  std::int64_t timeout = 0; ///< swap_token_time, in jiffies
  bool recent_pagein = false;
};

class MmStruct {
 public:
  MmStruct(std::uint32_t id, SpinLocks& locks, Scheduler& scheduler, TablePagePool& pool,
           PageTable::Shape shape, VmaTrees& trees, std::uint32_t cpus)
      : id(id), mmap_lock(locks, scheduler, trees.locks() != nullptr),
        page_table_lock(locks.make("page_table_lock")), vma_tree(trees.make_tree()), vmas(*vma_tree),
        vma_cache(trees.make_cache(*this)), tables(pool, shape), core_generation(cpus) {}

  const std::uint32_t id; ///< for reports; 0 is init_mm

  SharedCount users{"mm_users", 1};
  SharedCount count{"mm_count", 1};
  MmapLock mmap_lock;
  std::unique_ptr<SpinLock> page_table_lock;

  SeqCount write_protect_seq{"write_protect_seq"}; ///< odd while fork write-protects
  bool has_pinned = false;                         ///< on the same line: pages of this mm were pinned once

  SlabObject object = no_object; ///< its memory; none if it is there at boot
  const std::unique_ptr<VmaTree> vma_tree;
  VmaTree& vmas; ///< operations/vma.hpp changes it
  const std::unique_ptr<VmaCache> vma_cache;
  PageTable tables;

  boost::intrusive::list_member_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>
      mmlist;                ///< in MmList, where there is one (kernel.rmap = "scan")
  PageNumber swap_address{}; ///< where swap_out() goes on in it
  std::int64_t rss_anon = 0; ///< MM_ANONPAGES: mapped anonymous pages
  std::int64_t rss_file = 0; ///< MM_FILEPAGES: mapped pages of files; the zero page is in neither
  std::int64_t rss() const { return rss_anon + rss_file; }
  std::int64_t swapents = 0; ///< MM_SWAPENTS: entries of its tables that are swap entries
  SwapTokenInfo swap_token;
  std::int64_t total_vm = 0;  ///< pages of all areas
  PageNumber start_brk{512};  ///< where the heap begins: behind an executable at the bottom
  PageNumber brk = start_brk; ///< and where it ends

  CacheLine pgd_line{"mm_struct.pgd"}; ///< unless pgd is with mmap_lock

  CacheLine cpumask_line{"mm_cpumask"};
  CoreSet cpumask; ///< cores that the flush policy may have to tell

  CacheLine lazy_mask_line{"lazy_mask"};
  CoreSet lazy_mask; ///< cores that have loaded its tables, where only LazyShootdown asks for them

  CacheLine generation_line{"tlb_gen"};
  std::uint64_t generation = 0;               ///< bumped by every flush, under policies that count them
  std::vector<std::uint64_t> core_generation; ///< the one that each core's TLB is up to

  CacheLine tlb_flush_batched_line{"mm_struct.tlb_flush_batched"};
  std::uint64_t tlb_flush_batched = 0;      ///< entries that reclaim has cleared and left to a flush of many
  std::uint64_t tlb_flush_batched_done = 0; ///< how many of them somebody has not left to that

  /// Who changes entries and has not flushed them yet: gathers, and mprotect (kernel.tlb_flush_pending).
  SharedCount tlb_flush_pending{"mm_struct.tlb_flush_pending", 0};

  WithheldRanges withheld; ///< unmapped, but not to be mapped again yet

  std::uint64_t context = 0; ///< generation of ids and id (models/address_space/asid.hpp); 0: none yet

  // The oracle's notes (models/address_space/oracle.hpp).
  std::vector<OpenChange> open_changes;
  std::uint64_t changes = 0;
  std::uint64_t last_ticket = 0; ///< `changes` when the last flush began
};

} // namespace mmsim
