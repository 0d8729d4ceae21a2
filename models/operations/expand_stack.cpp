#include "models/operations/expand_stack.hpp"

#include "models/operations/vma.hpp"

namespace mmsim {

namespace {

bool too_close_to_the_area_below(const System& system, MmStruct& mm, const Vma& vma, PageNumber page) {
  const auto gap = static_cast<std::uint64_t>(system.parameters.stack_guard_gap);
  const Vma* below = mm.vmas.previous(vma);
  if (below == nullptr) return false;
  if (page < below->end) return true;
  const bool accessible = (below->flags & (VM_READ | VM_WRITE | VM_EXEC)) != 0;
  return !below->has(VM_GROWSDOWN) && accessible && page - below->end < gap;
}

// acct_stack_growth() and what comes after it, with the anon_vma's lock: no other thread is at it, where there is one.
bool expand_locked(System& system, Core& core, MmStruct& mm, Vma& vma, PageNumber page, MapleReserve& nodes) {
  if (vma.begin <= page) return true;
  if ((vma.end - page) * bytes_per_frame > system.parameters.stack_limit.value()) return false;
  const std::uint64_t grow = vma.begin - page;
  if (vma.has(VM_ACCOUNT) && !system.overcommit.vm_enough_memory(core, mm, grow)) return false;
  mm.page_table_lock->lock(core);
  core.settle();
  const std::uint64_t grown = page < vma.begin ? vma.begin - page : 0; // another thread may have been faster
  if (grown > 0) {
    mm.total_vm += static_cast<std::int64_t>(grown);
    vma.pgoff -= grown;
    mm.vmas.resize(vma, page, vma.end, nodes);
    core.charge(mm.vmas.change_cost(core), Account::work);
  }
  mm.page_table_lock->unlock(core);
  if (vma.has(VM_ACCOUNT) && grown < grow) system.overcommit.vm_unacct_memory(core, grow - grown);
  return true;
}

} // namespace

bool expand_stack(System& system, Task& task, MmStruct& mm, Vma& vma, PageNumber page) {
  if (page < mmap_min_addr || too_close_to_the_area_below(system, mm, vma, page)) return false;
  MapleReserve nodes;
  mm.vmas.prealloc(task.core(), nodes);
  if (vma.anon_vma == nullptr && !system.rmap->anon_vma_prepare(task, mm, vma)) {
    mm.vmas.settle_nodes(task.core(), system.rcu(), nodes);
    return false;
  }
  if (page < vma.begin) // a flush of it may have been put off
    system.flusher.complete(task.core(), mm, page, vma.begin - page);
  system.rmap->begin_update(task, vma, nullptr); // anon_vma_lock_write()
  const bool grown = expand_locked(system, task.core(), mm, vma, page, nodes);
  system.rmap->end_update(task, vma, nullptr);
  mm.vmas.settle_nodes(task.core(), system.rcu(), nodes);
  return grown;
}

} // namespace mmsim
