// The page fault.
//
// Models do_page_fault() -> handle_mm_fault() -> handle_pte_fault() for anonymous private memory:
// do_anonymous_page() and do_wp_page() of mm/memory.c, 2.6.24 and 5.10.35. Steps: exception; mmap_lock for
// reading; find_vma; tables;
// - nothing mapped: the area's anon_vma if it has none (anon_vma_prepare()), a cleared page, then under the
//   table's lock the entry is looked at again, the page added to the LRU by way of the core's pagevec
//   (models/reclaim/lru.hpp: every 15th waits for lru_lock here) and the entry set;
// - a write to a read-only entry: under the table's lock the page is taken over if nobody else has it, which
//   kernel.cow_reuse decides as the version does, and the read-only entry is flushed; else a reference, the
//   lock is dropped, a page is allocated and copied, and under the lock again: the entry is cleared,
//   *flushed*, and only then set to the copy (ptep_clear_flush_notify), which goes to the LRU before that, or
//   after it in 2.6.24 (kernel.wp_late_lru); the old page loses its mapping and both references. 2.6.24 has
//   page_remove_rmap() before the flush, a race that was fixed in 2.6.26; here it comes after it;
// - permission already there: somebody else was faster (spurious).
// page_count counts the reference of a pagevec too: a page that is still on its way to the LRU is copied.
// An allocation that fails unwinds (VM_FAULT_OOM): locks and references go back, mmap_lock is dropped, then
// pagefault_out_of_memory(), and on the way back to user mode the killed task ends (return_to_user_mode()).
// In 2.6.24 do_page_fault() kills the task itself there. Left out: files, swap, the zero page, memory
// accounting, contention on struct page's own cache line.
#pragma once

#include "models/operations/user.hpp"
#include "models/system.hpp"

namespace mmsim {

/// What a fault came to, for scenarios that report them apart.
enum class FaultKind : std::uint8_t {
  demand_zero,
  cow_copy,
  cow_reuse,
  spurious,
  out_of_memory ///< VM_FAULT_OOM: nothing has changed
};

/// The part below mmap_lock, which is held: makes `page` of `vma` accessible for `kind`, if nobody else was
/// faster. Counts a page fault.
FaultKind handle_mm_fault(System& system, Core& core, MmStruct& mm, Vma& vma, PageNumber page,
                          AccessKind kind);

/// The area of `page` that permits `kind`: find_vma() and the checks after it. mmap_lock is held. Throws
/// Violation for a segmentation fault: no scenario does that on purpose.
Vma& find_vma_or_give_up(Task& task, PageNumber page, AccessKind kind);

/// `task` has faulted on `page`. Returns when the access can be tried again; throws TaskKilled if it was
/// killed meanwhile.
FaultKind handle_fault(System& system, Task& task, PageNumber page, AccessKind kind);

} // namespace mmsim
