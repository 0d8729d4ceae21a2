// The page fault.
//
//   handle_fault(system, task, page, AccessKind::write);   // until the access can be tried again
//
// Models do_page_fault() -> handle_mm_fault() -> handle_pte_fault() of mm/memory.c, 2.6.24 and 5.10.35.
// Steps: exception; with kernel.vma_lock the area's own lock (vma_lock.hpp); else mmap_lock for reading, by a
// trylock first; find_vma, or a stack that grows (expand_stack.hpp); whether the area permits the access;
// tables; then by what the entry says:
// - nothing mapped, anonymous area: fault_anon.cpp (do_anonymous_page());
// - a swap entry: fault_swap.cpp (do_swap_page());
// - nothing mapped, area of a file: fault_file.cpp (do_fault(); in 2.6.24 __do_fault()), the page from the
//   page cache: filemap.hpp;
// - a write to a read-only entry: fault_wp.cpp (do_wp_page()), under the table's lock;
// - else the entry only lacks what hardware without machine.mmu.hardware_* does not note itself (young,
//   dirty): ptep_set_access_flags(); or it lacks nothing: somebody else was faster (spurious). 5.10 on arm64
//   flushes the page if it became dirty; 2.6.24 (kernel.spurious_flush) also if it became young, and after a
//   spurious write fault. A core's own entry is dropped at no cost, as flush_tlb_fix_spurious_fault() would,
//   so that what-if policies get on.
// Where a page of a file or of swap has to be waited for, 5.10 drops mmap_lock, waits, and starts again once
// (VM_FAULT_RETRY, kernel.fault_retry); 2.6.24 sleeps with mmap_sem held.
//
// A fault that no area permits is SIGSEGV, one behind the end of a file or on a page that the device has failed
// SIGBUS: the whole process is killed (counters `segfault`, `sigbus`, one line in the log). An allocation that fails unwinds (VM_FAULT_OOM): locks and
// references go back, mmap_lock is dropped, then pagefault_out_of_memory(), and on the way back to user mode
// the killed task ends (return_to_user_mode()). In 2.6.24 do_page_fault() kills the task itself there.
//
// Left out: huge pages, NUMA hinting, memory cgroups, signal handlers, contention on the struct pages
// of anonymous memory.
#pragma once

#include "models/operations/user.hpp"
#include "models/system.hpp"

namespace mmsim {

/// What a fault came to, for scenarios that report them apart.
enum class FaultKind : std::uint8_t {
  demand_zero,   ///< a cleared page
  zero_page,     ///< the zero page was mapped for reading
  file_map,      ///< a page of a file, for reading or shared
  file_cow,      ///< a copy of a file's page
  cow_copy,      ///< a read-only page was copied
  cow_reuse,     ///< a read-only page was made writable
  swap_in,       ///< a page that was swapped out
  access_flags,  ///< young or dirty was noted
  spurious,      ///< nothing had to be done
  out_of_memory, ///< VM_FAULT_OOM: nothing has changed
  retry,         ///< VM_FAULT_RETRY: mmap_lock has been dropped
  bus_error,     ///< VM_FAULT_SIGBUS
  bad_area       ///< VM_FAULT_BADMAP, VM_FAULT_BADACCESS
};

/// The part below mmap_lock, which is held for reading: makes `page` of `vma` accessible for `kind`, if
/// nobody else was faster. Counts a page fault. With `may_retry` (FAULT_FLAG_ALLOW_RETRY) it may come back
/// without mmap_lock, and says so. With `vma_locked` (FAULT_FLAG_VMA_LOCK) the area is locked instead, and it
/// comes back with `retry` for what needs mmap_lock. May sleep.
FaultKind handle_mm_fault(System& system, Task& task, MmStruct& mm, Vma& vma, PageNumber page,
                          AccessKind kind, bool may_retry = false, bool vma_locked = false);

/// The area of `page` if it permits `kind`: find_vma(), expand_stack() and the checks after them; else null.
/// mmap_lock is held.
Vma* find_vma_for(System& system, Task& task, PageNumber page, AccessKind kind);

/// `task` has faulted on `page`. Returns when the access can be tried again; throws TaskKilled if it was
/// killed meanwhile, or by this fault.
FaultKind handle_fault(System& system, Task& task, PageNumber page, AccessKind kind);

} // namespace mmsim
