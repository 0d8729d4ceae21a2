// mprotect.
//
//   Errno error = mprotect(system, task, first, pages, PROT_READ);
//
// Models do_mprotect_pkey() -> mprotect_fixup() -> change_protection() -> change_pte_range() of
// mm/mprotect.c, 5.10 (sys_mprotect() in 2.6.24): area by area, under mmap_lock for writing, until a hole
// (ENOMEM, after what came before it was changed); private memory that becomes writable is promised first;
// the area is merged with its neighbours or cut out; then entry by entry under each table's lock, which
// reads, clears and sets it again (ptep_modify_prot_start() and _commit()); one flush_tlb_range() of the area
// at the end: if a present entry was met (since 3.8), or always (2.6.24): kernel.mprotect_flush.
//
// Entries get what the area's vm_page_prot says: PROT_NONE is invalid to the hardware; private memory is
// read-only, so that the first write faults even where the page is nobody else's (to 6.0), and so is a shared
// file's page that is not known to be dirty (vma_wants_writenotify()). An entry that is cleared and set again
// is changed in one step here. Left out: PROT_GROWSDOWN, keys, hugetlb, NUMA hints, mlock, files opened for
// reading only (EACCES).
//
// change_protection_range() counts in mm->tlb_flush_pending from before its first entry to behind its flush
// (kernel.tlb_flush_pending), which makes others flush more (gather.hpp), but not itself. Since 5.19 it counts
// once a call, even if no area changes; here once for each area that does, as in 5.10.
#pragma once

#include "models/operations/errno.hpp"
#include "models/operations/map.hpp"
#include "models/system.hpp"

namespace mmsim {

/// `prot` is of Protection. Throws TaskKilled.
Errno mprotect(System& system, Task& task, PageNumber first, std::uint64_t pages, std::uint32_t prot);

} // namespace mmsim
