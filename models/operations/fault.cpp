#include "models/operations/fault.hpp"

#include "models/operations/expand_stack.hpp"
#include "models/operations/kill.hpp"
#include "models/operations/vm_fault.hpp"
#include "models/operations/vma_lock.hpp"

#include <spdlog/spdlog.h>

namespace mmsim {

void set_access_flags(const VmFault& fault, std::uint64_t flags, bool became_dirty) {
  Core& core = fault.core();
  core.charge(fault.work().pte_set, Account::work);
  core.settle();
  PageTable::set(fault.slot.table, fault.slot.index, fault.slot.entry().with(flags));
  if (became_dirty || fault.system.parameters.spurious_flush)
    fault.system.flusher.flush_page(core, fault.mm, fault.page);
}

namespace {

// The rest of handle_pte_fault(): a present entry, with its lock held, which it drops.
FaultKind note_access(const VmFault& fault) {
  Core& core = fault.core();
  const std::uint64_t wanted =
      fault.write() ? pte_young | pte_dirty : pte_young; // pte_mkyoung(), pte_mkdirty()
  FaultKind outcome = FaultKind::spurious;
  if ((fault.slot.entry().flags() & wanted) != wanted) {
    set_access_flags(fault, wanted, fault.write());
    outcome = FaultKind::access_flags;
  } else if (fault.write() && fault.system.parameters.spurious_flush) {
    fault.system.flusher.flush_page(core, fault.mm, fault.page);
  }
  core.tlb().invalidate_page(core.tlb().asid(), fault.page, true); // flush_tlb_fix_spurious_fault()
  fault.lock().unlock(core);
  return outcome;
}

} // namespace

FaultKind handle_mm_fault(System& system, Task& task, MmStruct& mm, Vma& vma, PageNumber page,
                          AccessKind kind, bool may_retry, bool vma_locked) {
  system.counters.add(Counter::pgfault);
  Core& core = task.core();
  core.charge(core.costs().work.fault_handle, Account::work);
  core.read(system.parameters.pgd_with_mmap_lock ? mm.mmap_lock.line() : mm.pgd_line); // pgd_offset()
  const std::optional<PteSlot> slot = alloc_pte(system, core, mm, page);
  if (!slot) return FaultKind::out_of_memory;
  const VmFault fault{system,     task, mm, vma, page, kind, may_retry && system.parameters.fault_retry,
                      vma_locked, *slot};
  fault.core().settle();
  if (slot->entry().is_swap()) return do_swap_page(fault);
  if (slot->entry().none()) return vma.file == nullptr ? do_anonymous_page(fault) : do_fault(fault);
  fault.lock().lock(fault.core());
  fault.core().settle();
  const Pte entry = slot->entry();
  if (entry.valid() && fault.write() && !entry.writable()) return do_wp_page(fault);
  if (entry.valid()) return note_access(fault);
  fault.lock().unlock(fault.core()); // it has gone meanwhile, or is PROT_NONE
  return FaultKind::spurious;
}

// access_error(). Whoever may execute or write may read: the hardware knows no other entries.
static bool permits(const Vma& vma, AccessKind kind) {
  const std::uint32_t needed = kind == AccessKind::write ? VM_WRITE : VM_READ | VM_WRITE | VM_EXEC;
  return (vma.flags & needed) != 0;
}

Vma* find_vma_for(System& system, Task& task, PageNumber page, AccessKind kind) {
  MmStruct& mm = *task.mm;
  Vma* vma = find_vma(task, mm, page);
  if (vma == nullptr) return nullptr;
  if (page < vma->begin && !(vma->has(VM_GROWSDOWN) && expand_stack(system, task, mm, *vma, page)))
    return nullptr;
  return permits(*vma, kind) ? vma : nullptr;
}

namespace {

// do_page_fault() of 6.4 down to lock_mmap: `retry` if mmap_lock is needed.
FaultKind fault_under_vma_lock(System& system, Task& task, PageNumber page, AccessKind kind) {
  if (system.vma_trees.locks() == nullptr) return FaultKind::retry;
  MmStruct& mm = *task.mm;
  Vma* vma = lock_vma_under_rcu(system, task, mm, page);
  if (vma == nullptr) return FaultKind::retry;
  FaultKind outcome = FaultKind::retry;
  if (permits(*vma, kind)) {
    outcome = handle_mm_fault(system, task, mm, *vma, page, kind, false, true);
    system.counters.add(outcome == FaultKind::retry ? Counter::vma_lock_retry : Counter::vma_lock_success);
  }
  vma_end_read(system, task, *vma);
  return outcome;
}

void pagefault_out_of_memory(System& system, Task& task) { system.reclaim.pagefault_out_of_memory(task); }

/// __do_user_fault(), arm64_force_sig_fault(): no handler, so the whole process ends here. Throws TaskKilled.
[[noreturn]] void force_sig_fault(System& system, Task& task, FaultKind outcome, PageNumber page,
                                  AccessKind kind) {
  task.core().settle();
  if (!task.killed) { // else another thread has been faster
    system.counters.add(outcome == FaultKind::bus_error ? Counter::sigbus : Counter::segfault);
    spdlog::info("{} (pid {}) is killed by {}: it {} page {:#x} of mm {}", task.name, task.pid,
                 outcome == FaultKind::bus_error ? "SIGBUS" : "SIGSEGV",
                 kind == AccessKind::write ? "writes to" : "reads", page.value(), task.mm->id);
  }
  abort_process(system, task);
}

} // namespace

FaultKind handle_fault(System& system, Task& task, PageNumber page, AccessKind kind) {
  MmStruct& mm = *task.mm;
  task.core().charge(task.core().costs().entry.fault, Account::entry);
  FaultKind outcome = fault_under_vma_lock(system, task, page, kind);
  for (bool first = true; outcome == FaultKind::retry; first = false) {
    if (!first || !mm.mmap_lock.down_read_trylock(task)) mm.mmap_lock.down_read(task);
    Vma* vma = find_vma_for(system, task, page, kind);
    outcome =
        vma != nullptr ? handle_mm_fault(system, task, mm, *vma, page, kind, first) : FaultKind::bad_area;
    if (outcome == FaultKind::retry) continue;
    mm.mmap_lock.up_read(task);
  }
  if (outcome == FaultKind::out_of_memory) pagefault_out_of_memory(system, task);
  if (outcome == FaultKind::bad_area || outcome == FaultKind::bus_error)
    force_sig_fault(system, task, outcome, page, kind);
  return_to_user_mode(system, task);
  return outcome;
}

} // namespace mmsim
