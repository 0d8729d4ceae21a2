// A stack that grows: an access below an area with VM_GROWSDOWN.
//
//   if (vma.has(VM_GROWSDOWN) && expand_stack(system, task, mm, vma, page)) ...   // vma.begin <= page now
//
// Models expand_stack() -> expand_downwards() with acct_stack_growth() of mm/mmap.c, with mmap_lock held for
// reading: several threads of a process may grow it at once. 5.10: a gap of kernel.stack_guard_gap pages to
// the area below, unless that may not be accessed or is a stack too (2.6.24 has none); the anon_vma and its
// lock; the limit (kernel.stack_limit, RLIMIT_STACK), the promise of the new pages; the area's first page and
// its pgoff under page_table_lock (2.6.24 has the anon_vma's lock alone, 2.6.0 page_table_lock). On a maple tree (6.1)
// nodes come first (mas_preallocate()), the area's new range is stored under page_table_lock (mas_store_prealloc()),
// and after the anon_vma's lock what is left of the nodes goes back (mas_destroy()).
//
// Left out: stacks that grow upwards, RLIMIT_AS; that 6.1.37 and 6.4.1 take mmap_lock for writing first, since readers
// were not safe from nodes that were freed under them (here they look at a tree at one instant).
#pragma once

#include "models/system.hpp"

namespace mmsim {

/// False (ENOMEM, EPERM) if it must not; `vma` is as it was.
[[nodiscard]] bool expand_stack(System& system, Task& task, MmStruct& mm, Vma& vma, PageNumber page);

} // namespace mmsim
