#include "models/operations/munmap.hpp"

#include "models/operations/gather.hpp"
#include "models/operations/user.hpp"
#include "models/operations/vma_adjust.hpp"

#include <boost/container/small_vector.hpp>

namespace mmsim {

namespace {

// Areas that are in no tree any more, with what lies around them.
struct Detached {
  boost::container::small_vector<Vma*, 2> areas;
  PageNumber floor, ceiling; // what page tables may go for
  bool below_a_stack = false;
};

// Those after `previous` that begin before `end`.
Detached detach_vmas_to_be_unmapped(System& system, Task& task, Vma* previous, PageNumber end) {
  MmStruct& mm = *task.mm;
  Detached detached;
  Vma* vma = vma_next(mm, previous);
  while (vma != nullptr && vma->begin < end) {
    Vma* const next = mm.vmas.next(*vma);
    detached.areas.push_back(vma);
    vma_unlink(system, task, mm, *vma);
    vma = next;
  }
  detached.floor = previous != nullptr ? previous->end : PageNumber(0);
  detached.ceiling = vma != nullptr ? vma->begin : mm.tables.shape().end();
  detached.below_a_stack = vma != nullptr && vma->has(VM_GROWSDOWN);
  return detached;
}

void unmap_region(System& system, Task& task, const Detached& detached, PageNumber first, PageNumber end) {
  system.lru->lru_add_drain(task.core());
  MmuGather gather(system, task.core(), *task.mm);
  for (const Vma* vma : detached.areas) // unmap_vmas()
    gather.zap(task, std::max(first, vma->begin), std::min(end, vma->end), vma->has(VM_SEQ_READ));
  for (Vma* vma : detached.areas) // free_pgtables()
    unlink_from_reverse_map(system, task, *vma);
  gather.unhook(task.core(), detached.floor, detached.ceiling);
  gather.finish_or_defer(task.core(), first, end);
}

void remove_vma_list(System& system, Task& task, const Detached& detached) {
  std::uint64_t accounted = 0;
  for (Vma* vma : detached.areas) {
    if (vma->has(VM_ACCOUNT)) accounted += vma->pages();
    remove_vma(system, task, *vma);
  }
  if (accounted > 0) system.overcommit.vm_unacct_memory(task.core(), accounted);
}

} // namespace

MunmapResult do_munmap(System& system, Task& task, PageNumber first, std::uint64_t pages, bool downgrade) {
  MmStruct& mm = *task.mm;
  const PageNumber task_size = mm.tables.shape().end();
  if (task_size < first || task_size - first < pages || pages == 0) return {Errno::einval};
  const PageNumber end = first + pages;
  task.core().charge(task.core().costs().work.munmap, Account::work);
  Vma* const vma = find_vma(task, mm, first);
  if (vma == nullptr || end <= vma->begin) return {};
  Vma* previous = mm.vmas.previous(*vma);
  if (vma->begin < first) {
    // The number of areas may go over the limit between two cuts, but not in the end.
    if (end < vma->end && mm.vmas.size() >= system.max_map_count()) return {Errno::enomem};
    const Errno error = split_vma(system, task, *vma, first, NewPart::above);
    if (error != Errno::ok) return {error};
    previous = vma;
  }
  Vma* const last = find_vma(task, mm, end);
  if (last != nullptr && last->begin < end) {
    const Errno error = split_vma(system, task, *last, end, NewPart::below);
    if (error != Errno::ok) return {error};
  }
  const Detached detached = detach_vmas_to_be_unmapped(system, task, previous, end);
  for (const Vma* gone : detached.areas)
    mm.total_vm -= static_cast<std::int64_t>(gone->pages()); // vm_stat_account()
  downgrade = downgrade && !detached.below_a_stack;
  if (downgrade) mm.mmap_lock.downgrade_write(task);
  unmap_region(system, task, detached, first, end);
  remove_vma_list(system, task, detached);
  return {Errno::ok, downgrade};
}

void unlock_after(Task& task, const MunmapResult& unmapped) {
  if (unmapped.downgraded)
    task.mm->mmap_lock.up_read(task);
  else
    task.mm->mmap_lock.up_write(task);
}

Errno munmap(System& system, Task& task, PageNumber first, std::uint64_t pages) {
  task.core().charge(task.core().costs().entry.syscall, Account::entry);
  task.mm->mmap_lock.down_write(task);
  const MunmapResult unmapped = do_munmap(system, task, first, pages, system.parameters.munmap_downgrade);
  unlock_after(task, unmapped);
  if (unmapped.error != Errno::ok) failed(system, task, unmapped.error, "munmap", first, pages);
  return_to_user_mode(system, task);
  return unmapped.error;
}

} // namespace mmsim
