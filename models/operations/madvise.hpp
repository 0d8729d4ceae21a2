// madvise.
//
//   madvise(system, task, first, pages, Advice::dontneed);   // the pages go, the areas stay
//
// Models do_madvise() of mm/madvise.c, 5.10 (sys_madvise() in 2.6.24): area by area; a hole is passed over,
// and makes the call return ENOMEM after the rest was done.
// - MADV_DONTNEED, under mmap_lock for reading: zap_page_range() drains the pagevec, clears the entries,
//   flushes and frees (gather.hpp). Other threads may fault new pages in meanwhile, which the flush does not
//   find in TLBs. Nor does it find entries that another madvise() has cleared here and not flushed yet; who
//   ends while another is at it flushes the whole address space (kernel.tlb_flush_pending, gather.hpp).
// - MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL, under mmap_lock for writing: madvise_behavior() changes the
//   area's flags, merging and cutting as mprotect does. ENOMEM of a cut becomes EAGAIN.
//
// - MADV_WILLNEED, under mmap_lock for reading: of an area of a file the pages that are not in memory are
//   asked of the disk (force_page_cache_readahead()), without waiting for it; 5.10 drops mmap_lock meanwhile.
//   Of anonymous memory (force_swapin_readahead()) it does nothing.
//
// Left out: MADV_FREE, MADV_REMOVE, what huge pages and
// KSM are told.
#pragma once

#include "models/operations/errno.hpp"
#include "models/system.hpp"

namespace mmsim {

enum class Advice : std::uint8_t { normal, random, sequential, dontneed, willneed };

/// Throws TaskKilled.
Errno madvise(System& system, Task& task, PageNumber first, std::uint64_t pages, Advice advice);

} // namespace mmsim
