#include "models/operations/fault.hpp"

#include "models/operations/anon_page.hpp"
#include "models/operations/anon_vma.hpp"
#include "models/operations/gather.hpp"
#include "models/operations/page_tables.hpp"

#include <spdlog/fmt/fmt.h>

namespace mmsim {

namespace {

FaultKind do_anonymous_page(System& system, Core& core, MmStruct& mm, Vma& vma, const PteSlot& slot) {
  const WorkCosts& work = core.costs().work;
  if (vma.anon_vma == nullptr && !anon_vma_prepare(system, core, mm, vma)) return FaultKind::out_of_memory;
  const FrameNumber frame = system.contents.alloc_page(core, GFP_HIGHUSER_MOVABLE | gfp_zero);
  if (frame == no_frame) return FaultKind::out_of_memory;
  SpinLock& lock = system.pte_lock(mm, slot.table);
  lock.lock(core);
  core.settle();
  if (slot.entry().present()) { // another thread has faulted it in meanwhile
    put_page(system, core, frame);
    lock.unlock(core);
    return FaultKind::spurious;
  }
  ++mm.rss_anon;
  page_add_new_anon(system, core, frame);
  core.settle();
  PageTable::set(slot.table, slot.index,
                 slot.entry().mapped(frame, pte_young | (vma.writable() ? pte_writable | pte_dirty : 0)));
  core.charge(work.pte_set, Account::work);
  lock.unlock(core);
  return FaultKind::demand_zero;
}

bool may_reuse(const System& system, const Frame& frame) {
  return system.parameters.cow_reuse == "mapcount" ? frame.mapcount == 1 : frame.refcount == 1;
}

// The end of do_wp_page() in either version: the reference that kept the old page, and the table's lock.
void put_old_and_unlock(System& system, Core& core, FrameNumber old, SpinLock& lock) {
  if (system.parameters.wp_late_lru) put_page(system, core, old);
  lock.unlock(core);
  if (!system.parameters.wp_late_lru) put_page(system, core, old);
}

// Called with the entry's lock held; drops it.
FaultKind do_wp_page(System& system, Core& core, MmStruct& mm, PageNumber page, const PteSlot& slot,
                     SpinLock& lock) {
  const WorkCosts& work = core.costs().work;
  const Pte old = slot.entry();
  Frame& shared = system.pages[old.frame()];
  if (may_reuse(system, shared)) {
    // wp_page_reuse() -> ptep_set_access_flags(), which flushes the read-only entry in both versions
    core.charge(work.pte_set, Account::work);
    core.settle();
    PageTable::set(slot.table, slot.index, old.with(pte_writable | pte_young | pte_dirty));
    system.flusher.flush_page(core, mm, page);
    lock.unlock(core);
    system.counters.add(Counter::pgreuse);
    return FaultKind::cow_reuse;
  }
  ++shared.refcount; // get_page(): it must outlive the copying
  core.charge(work.page_ref, Account::work);
  lock.unlock(core);

  const FrameNumber copy = system.pages.alloc_page(core, GFP_HIGHUSER_MOVABLE);
  if (copy == no_frame) {
    put_page(system, core, old.frame());
    return FaultKind::out_of_memory;
  }
  system.contents.copy_page(core, old.frame(), copy);

  lock.lock(core);
  core.settle();
  if (slot.entry().word() != old.word()) { // pte_same() fails: another thread was faster
    put_page(system, core, copy);
    put_old_and_unlock(system, core, old.frame(), lock);
    return FaultKind::spurious;
  }
  system.before_entries_change(core);
  PageTable::set(slot.table, slot.index, old.cleared());
  system.oracle.entry_changed(mm, page, page + 1);
  core.charge(work.pte_clear, Account::work);
  system.flusher.flush_page(core, mm, page);
  if (!system.parameters.wp_late_lru) page_add_new_anon(system, core, copy);
  core.settle();
  PageTable::set(slot.table, slot.index, slot.entry().mapped(copy, pte_writable | pte_young | pte_dirty));
  core.charge(work.pte_set, Account::work);
  if (system.parameters.wp_late_lru) {
    core.settle(); // the copy can be seen
    page_add_new_anon(system, core, copy);
  }
  core.settle();
  page_remove_rmap(system, core, old.frame());
  core.charge(work.page_unref, Account::work);
  put_page(system, core, old.frame()); // the mapping's reference
  put_old_and_unlock(system, core, old.frame(), lock);
  system.counters.add(Counter::pgcow);
  return FaultKind::cow_copy;
}

} // namespace

Vma& find_vma_or_give_up(Task& task, PageNumber page, AccessKind kind) {
  MmStruct& mm = *task.mm;
  Vma* vma = mm.vmas.find(page);
  task.core().charge(mm.vmas.levels_walked() * task.core().costs().work.vma_find_level, Account::work);
  if (vma == nullptr || page < vma->begin || (kind == AccessKind::write && !vma->writable()))
    throw Violation(fmt::format("segmentation fault: task {} {} page {:#x} of mm {}", task.pid,
                                kind == AccessKind::write ? "writes to" : "reads", page.value(), mm.id));
  return *vma;
}

FaultKind handle_mm_fault(System& system, Core& core, MmStruct& mm, Vma& vma, PageNumber page,
                          AccessKind kind) {
  system.counters.add(Counter::pgfault);
  core.charge(core.costs().work.fault_handle, Account::work);
  const std::optional<PteSlot> allocated = alloc_pte(system, core, mm, page);
  if (!allocated) return FaultKind::out_of_memory;
  const PteSlot& slot = *allocated;
  core.settle();
  if (!slot.entry().present()) return do_anonymous_page(system, core, mm, vma, slot);
  SpinLock& lock = system.pte_lock(mm, slot.table);
  lock.lock(core);
  core.settle();
  const Pte entry = slot.entry();
  if (entry.valid() && kind == AccessKind::write && !entry.writable())
    return do_wp_page(system, core, mm, page, slot, lock);
  const std::uint64_t noted = pte_young | (kind == AccessKind::write ? pte_dirty : 0);
  if (entry.valid() && (entry.flags() & noted) != noted) { // pte_mkyoung(), pte_mkdirty(), ptep_set_access_flags()
    core.charge(core.costs().work.pte_set, Account::work);
    core.settle();
    PageTable::set(slot.table, slot.index, slot.entry().with(noted));
  }
  core.tlb().invalidate_page(core.tlb().asid(), page, true); // flush_tlb_fix_spurious_fault()
  lock.unlock(core);
  return FaultKind::spurious;
}

namespace {
void pagefault_out_of_memory(System& system, Task& task) {
  Core* core = &task.core();
  system.oom.out_of_memory(core, 0, GFP_HIGHUSER_MOVABLE);
}
} // namespace

FaultKind handle_fault(System& system, Task& task, PageNumber page, AccessKind kind) {
  MmStruct& mm = *task.mm;
  task.core().charge(task.core().costs().entry.fault, Account::entry);
  mm.mmap_lock.down_read(task);
  Vma& vma = find_vma_or_give_up(task, page, kind);
  const FaultKind outcome = handle_mm_fault(system, task.core(), mm, vma, page, kind);
  mm.mmap_lock.up_read(task);
  if (outcome == FaultKind::out_of_memory) pagefault_out_of_memory(system, task);
  return_to_user_mode(system, task);
  return outcome;
}

} // namespace mmsim
