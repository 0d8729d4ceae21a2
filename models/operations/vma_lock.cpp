#include "models/operations/vma_lock.hpp"

namespace mmsim {

namespace {

/// vma_start_read(): two reads of lines that hardly anybody writes, then the lock, then the same again.
bool vma_start_read(Task& task, MmStruct& mm, Vma& vma) {
  Core& core = task.core();
  VmaLock& lock = *vma.lock;
  const auto write_locked = [&] {
    core.read(lock.vma_line);
    const std::uint64_t seq = lock.vm_lock_seq;
    core.read(mm.mmap_lock.seq_line());
    return seq == mm.mmap_lock.mm_lock_seq();
  };
  if (write_locked()) return false;
  if (!lock.vm_lock.down_read_trylock(task)) return false;
  if (!write_locked()) return true;
  lock.vm_lock.up_read(task);
  return false;
}

} // namespace

Vma* lock_vma_under_rcu(System& system, Task& task, MmStruct& mm, PageNumber page) {
  Core& core = task.core();
  Rcu& rcu = system.rcu();
  rcu.read_lock(core);
  for (;;) {
    core.settle();
    Vma* vma = mm.vmas.find(page); // mas_walk()
    core.charge(mm.vmas.levels_walked() * mm.vmas.level_cost(core), Account::work);
    if (vma == nullptr || !vma->contains(page)) break;
    if (vma->file != nullptr || vma->has(VM_SHARED) || !system.rmap->has_anon_pages(*vma)) break;
    if (!vma_start_read(task, mm, *vma)) break;
    if (!vma->contains(page)) {
      vma->lock->vm_lock.up_read(task);
      break;
    }
    if (!vma->detached) {
      core.settle();
      rcu.read_unlock(core);
      return vma;
    }
    vma->lock->vm_lock.up_read(task);
    system.counters.add(Counter::vma_lock_miss); // another one may be there now
  }
  core.settle();
  rcu.read_unlock(core);
  system.counters.add(Counter::vma_lock_abort);
  return nullptr;
}

void vma_end_read(System& system, Task& task, Vma& vma) {
  Core& core = task.core();
  system.rcu().read_lock(core); // it may be freed once we have left
  vma.lock->vm_lock.up_read(task);
  core.settle();
  system.rcu().read_unlock(core);
}

void vma_start_write(Task& task, MmStruct& mm, Vma& vma) {
  if (vma.lock == nullptr) return;
  VmaLock& lock = *vma.lock;
  task.core().read(lock.vma_line);
  task.core().read(mm.mmap_lock.seq_line());
  if (lock.vm_lock_seq == mm.mmap_lock.mm_lock_seq()) return; // locked already
  lock.vm_lock.down_write(task);
  task.core().write(lock.vma_line);
  lock.vm_lock_seq = mm.mmap_lock.mm_lock_seq();
  lock.vm_lock.up_write(task);
}

} // namespace mmsim
