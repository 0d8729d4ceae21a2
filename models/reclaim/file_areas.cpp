// The areas that map a file: i_mmap.
#include "models/reclaim/file.hpp"
#include "models/scheduler/task.hpp"
#include "sim/machine/core.hpp"

namespace mmsim {

void File::i_mmap_lock_write(Task& task) {
  if (i_mmap_lock_)
    i_mmap_lock_->lock(task.core());
  else
    i_mmap_rwsem_->down_write(task);
}

void File::i_mmap_unlock_write(Task& task) {
  if (i_mmap_lock_)
    i_mmap_lock_->unlock(task.core());
  else
    i_mmap_rwsem_->up_write(task);
}

void File::i_mmap_lock_read(Task& task) {
  if (i_mmap_lock_)
    i_mmap_lock_->lock(task.core());
  else
    i_mmap_rwsem_->down_read(task);
}

void File::i_mmap_unlock_read(Task& task) {
  if (i_mmap_lock_)
    i_mmap_lock_->unlock(task.core());
  else
    i_mmap_rwsem_->up_read(task);
}

void File::link_area(Task& task, Vma& vma) {
  i_mmap_lock_write(task);
  task.core().charge(task.core().costs().work.rmap_link, Account::work);
  task.core().write(i_mmap_);
  areas_.insert(vma.shared, vma, vma.pgoff, vma.last_pgoff());
  i_mmap_unlock_write(task);
}

void File::unlink_area(Task& task, Vma& vma) {
  i_mmap_lock_write(task);
  task.core().charge(task.core().costs().work.rmap_link, Account::work);
  task.core().write(i_mmap_);
  areas_.erase(vma.shared);
  i_mmap_unlock_write(task);
}

void File::begin_update(Task& task, Vma& vma, Vma* other) {
  i_mmap_lock_write(task);
  for (Vma* const each : {&vma, other}) {
    if (each == nullptr) continue;
    task.core().charge(task.core().costs().work.rmap_link, Account::work);
    task.core().write(i_mmap_);
    areas_.erase(each->shared);
  }
}

void File::end_update(Task& task, Vma& vma, Vma* other) {
  for (Vma* const each : {&vma, other}) {
    if (each == nullptr) continue;
    task.core().charge(task.core().costs().work.rmap_link, Account::work);
    task.core().settle();
    areas_.insert(each->shared, *each, each->pgoff, each->last_pgoff());
  }
  i_mmap_unlock_write(task);
}

} // namespace mmsim
