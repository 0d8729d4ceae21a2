// mremap.
//
//   MmapResult grown = mremap(system, task, area, 4, 16, MREMAP_MAYMOVE);   // where the 16 pages are now
//
// Models sys_mremap() -> vma_to_resize(), move_vma(), move_page_tables() and move_ptes() of mm/mremap.c, 5.10
// (do_mremap() in 2.6.24): a range that shrinks is unmapped at its end; one that grows does so in place if it
// ends with its area and nothing is in the way, else, with MREMAP_MAYMOVE, it moves: copy_vma() (which may
// merge), entries table by table under both tables' locks, then do_munmap() of the old range, with its
// promise concealed, since it went along. If there is no memory for a table what has been moved goes back.
//
// Old translations must be gone before anybody can find, and free, the page at its new place: so they are
// flushed under the locks, kernel.mremap_flush: each entry before it is set again (2.6.24:
// ptep_clear_flush()), or all of a table in one range (4.19, after a bug of 3.2 to 4.18, which flushed
// later). 2.6.24 drops the locks after 64 pages (LATENCY_LIMIT, until 2018): kernel.mremap_latency_limit.
//
// Where a walk of the reverse map may come by the new place before the old one its locks are held too: since 3.7 if the
// copy has merged with an area that stands before, or entries go back (take_rmap_locks()), to 3.6 for any area of a file
// (kernel.mremap_rmap_locks).
//
// Left out: MREMAP_FIXED and MREMAP_DONTUNMAP, old_len 0 (a second mapping of shared memory), whole tables
// moved at once (HAVE_MOVE_PMD: arm64 since 5.11), mlock. In 2.6.24
// growing areas merge with nobody behind them, as in 5.10.
#pragma once

#include "models/operations/map.hpp"

namespace mmsim {

enum RemapFlag : std::uint32_t { MREMAP_MAYMOVE = 1 };

/// `flags` is of RemapFlag. Throws TaskKilled.
[[nodiscard]] MmapResult mremap(System& system, Task& task, PageNumber first, std::uint64_t old_pages,
                                std::uint64_t new_pages, std::uint32_t flags);

} // namespace mmsim
