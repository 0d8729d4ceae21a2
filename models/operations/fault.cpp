#include "models/operations/fault.hpp"

#include "models/operations/anon_vma.hpp"
#include "models/operations/gather.hpp"
#include "models/operations/page_tables.hpp"

#include <spdlog/fmt/fmt.h>

namespace mmsim {

namespace {

FaultKind do_anonymous_page(System& system, Core& core, MmStruct& mm, Vma& vma, const PteSlot& slot) {
  const WorkCosts& work = core.costs().work;
  if (vma.anon_vma == nullptr) anon_vma_prepare(system, core, mm, vma);
  const FrameNumber frame = system.alloc_page_or_give_up(core);
  system.clear_page(core, frame);
  SpinLock& lock = system.pte_lock(mm, slot.table);
  lock.lock(core);
  core.settle();
  if (slot.entry().valid()) { // another thread has faulted it in meanwhile
    lock.unlock(core);
    put_page(system, core, frame);
    return FaultKind::spurious;
  }
  system.pages[frame].mapcount = 1; // page_add_new_anon_rmap()
  ++mm.rss;
  PageTable::set(slot.table, slot.index, slot.entry().mapped(frame, vma.writable));
  core.charge(work.page_ref + work.pte_set, Account::work);
  lock.unlock(core);
  return FaultKind::demand_zero;
}

bool may_reuse(const System& system, const Frame& frame) {
  return system.parameters.cow_reuse == "mapcount" ? frame.mapcount == 1 : frame.refcount == 1;
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
    PageTable::set(slot.table, slot.index, old.with_writable(true));
    system.flusher.flush_page(core, mm, page);
    lock.unlock(core);
    system.counters.add(Counter::pgreuse);
    return FaultKind::cow_reuse;
  }
  ++shared.refcount; // get_page(): it must outlive the copying
  core.charge(work.page_ref, Account::work);
  lock.unlock(core);

  const FrameNumber copy = system.alloc_page_or_give_up(core);
  system.copy_page(core, old.frame());

  lock.lock(core);
  core.settle();
  if (slot.entry().word() != old.word()) { // pte_same() fails: another thread was faster
    lock.unlock(core);
    put_page(system, core, copy);
    put_page(system, core, old.frame());
    return FaultKind::spurious;
  }
  system.before_entries_change(core);
  PageTable::set(slot.table, slot.index, old.cleared());
  system.oracle.entry_changed(mm, page, page + 1);
  core.charge(work.pte_clear, Account::work);
  system.flusher.flush_page(core, mm, page);
  system.pages[copy].mapcount = 1; // page_add_new_anon_rmap()
  PageTable::set(slot.table, slot.index, slot.entry().mapped(copy, true));
  --system.pages[old.frame()].mapcount; // page_remove_rmap()
  core.charge(work.page_ref + work.pte_set + work.page_unref, Account::work);
  lock.unlock(core);
  put_page(system, core, old.frame()); // the mapping's reference
  put_page(system, core, old.frame()); // ours
  system.counters.add(Counter::pgcow);
  return FaultKind::cow_copy;
}

} // namespace

Vma& find_vma_or_give_up(Task& task, PageNumber page, AccessKind kind) {
  MmStruct& mm = *task.mm;
  Vma* vma = mm.vmas.find(page);
  task.core().charge(mm.vmas.levels_walked() * task.core().costs().work.vma_find_level, Account::work);
  if (vma == nullptr || page < vma->begin || (kind == AccessKind::write && !vma->writable))
    throw Violation(fmt::format("segmentation fault: task {} {} page {:#x} of mm {}", task.pid,
                                kind == AccessKind::write ? "writes to" : "reads", page.value(), mm.id));
  return *vma;
}

FaultKind handle_mm_fault(System& system, Core& core, MmStruct& mm, Vma& vma, PageNumber page,
                          AccessKind kind) {
  system.counters.add(Counter::pgfault);
  core.charge(core.costs().work.fault_handle, Account::work);
  const PteSlot slot = alloc_pte(system, core, mm, page);
  core.settle();
  if (!slot.entry().valid()) return do_anonymous_page(system, core, mm, vma, slot);
  SpinLock& lock = system.pte_lock(mm, slot.table);
  lock.lock(core);
  core.settle();
  const Pte entry = slot.entry();
  if (entry.valid() && kind == AccessKind::write && !entry.writable())
    return do_wp_page(system, core, mm, page, slot, lock);
  core.tlb().invalidate_page(core.tlb().asid(), page, true); // flush_tlb_fix_spurious_fault()
  lock.unlock(core);
  return FaultKind::spurious;
}

FaultKind handle_fault(System& system, Task& task, PageNumber page, AccessKind kind) {
  MmStruct& mm = *task.mm;
  task.core().charge(task.core().costs().entry.fault, Account::entry);
  mm.mmap_lock.down_read(task);
  Vma& vma = find_vma_or_give_up(task, page, kind);
  const FaultKind outcome = handle_mm_fault(system, task.core(), mm, vma, page, kind);
  mm.mmap_lock.up_read(task);
  system.scheduler.resched_point(task); // on the way back to user mode
  return outcome;
}

} // namespace mmsim
