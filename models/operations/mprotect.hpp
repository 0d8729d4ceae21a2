// mprotect.
//
//   Errno error = mprotect(system, task, first, pages, PROT_READ);
//
// Models do_mprotect_pkey() -> mprotect_fixup() -> change_protection() -> change_pte_range() of
// mm/mprotect.c, 5.10 (sys_mprotect() in 2.6.24): area by area, under mmap_lock for writing, until a hole
// (ENOMEM, after what came before it was changed); private memory that becomes writable is promised first;
// the area is merged with its neighbours or cut out; then entry by entry under each table's lock, which
// reads, clears and sets it again (ptep_modify_prot_start() and _commit()); one flush_tlb_range() of what was
// asked for of the area at the end: if a present entry was met (since 3.8), or always (2.6.24); since 5.19 an
// mmu_gather, which flushes from the first to the last present entry (tlb_flush_pte_range(), tlb_end_vma();
// pte_needs_flush() is always true on arm64): kernel.mprotect_flush.
//
// Entries get what the area's vm_page_prot says: PROT_NONE is invalid to the hardware; private memory is
// read-only, so that the first write faults even where the page is nobody else's (to 5.19), and so is a shared
// file's page that is not known to be dirty (vma_wants_writenotify()). Since 6.0 an entry of a page that is
// PageAnonExclusive() (wp_exclusive.hpp) becomes writable at once if the area is, to 6.1 only a dirty one
// (can_change_pte_writable(): kernel.mprotect_upgrade). An entry that is cleared and set again is changed in
// one step here. Left out: PROT_GROWSDOWN, keys, hugetlb, NUMA hints, mlock, files opened for reading only
// (EACCES), mm->tlb_flush_pending, write faults wanted for soft-dirty and userfaultfd, pte_needs_flush() of
// x86 (no flush of what was PROT_NONE).
#pragma once

#include "models/operations/errno.hpp"
#include "models/operations/map.hpp"
#include "models/system.hpp"

namespace mmsim {

/// `prot` is of Protection. Throws TaskKilled.
Errno mprotect(System& system, Task& task, PageNumber first, std::uint64_t pages, std::uint32_t prot);

} // namespace mmsim
