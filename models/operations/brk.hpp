// brk.
//
//   PageNumber end = brk(system, task, brk(system, task) + 16);   // 16 pages more, or where it was before
//
// Models sys_brk() and do_brk_flags() of mm/mmap.c, 5.10 (do_brk() in 2.6.24), in pages: the break never goes
// below where the heap begins; shrinking is __do_munmap(), with its downgrade; growing wants a page free
// below the next area (or below a stack's guard gap), promises the memory, and extends the heap's area by
// vma_merge() or makes one. Whatever fails, the break stays where it was. Left out: RLIMIT_DATA, mlock, a
// random start.
#pragma once

#include "models/operations/map.hpp"

namespace mmsim {

/// Moves the end of the heap to `wanted`. Returns where it is then. Throws TaskKilled.
PageNumber brk(System& system, Task& task, PageNumber wanted = PageNumber(0));

} // namespace mmsim
