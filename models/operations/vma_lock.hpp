// Locking one area: what faults and writers of areas do with kernel.vma_lock
// (models/address_space/vma_lock.hpp).
//
// Models lock_vma_under_rcu() of mm/memory.c, vma_start_read(), vma_end_read() and vma_start_write() of
// include/linux/mm.h, and the first part of do_page_fault() of arch/arm64/mm/fault.c, 6.4: a fault looks its
// area up under RCU; an anonymous one that has its anon_vma and that nobody writes is locked by a trylock and
// looked at again: it may have changed its ends, or left the tree. Else, or if it does not permit the access,
// the fault goes on with mmap_lock. Counters as in /proc/vmstat (CONFIG_PER_VMA_LOCK_STATS):
// vma_lock_success, vma_lock_abort, vma_lock_retry, vma_lock_miss.
//
// A fault on a swap entry gives the area's lock up (VM_FAULT_RETRY): vma_lock_retry. Left out: what else does so in
// 6.4 (userfaultfd).
#pragma once

#include "models/operations/vma.hpp"

namespace mmsim {

/// The area of `page`, locked for reading; null: do it with mmap_lock.
[[nodiscard]] Vma* lock_vma_under_rcu(System& system, Task& task, MmStruct& mm, PageNumber page);
void vma_end_read(System& system, Task& task, Vma& vma);

/// Nobody else is in the area any more until mmap_lock, which is held for writing, is given back or
/// downgraded. May sleep.
void vma_start_write(Task& task, MmStruct& mm, Vma& vma);

} // namespace mmsim
