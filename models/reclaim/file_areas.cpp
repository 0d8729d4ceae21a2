// The areas that map a file: i_mmap.
#include "models/reclaim/file.hpp"
#include "models/scheduler/task.hpp"
#include "sim/machine/core.hpp"

namespace mmsim {

void File::lock_i_mmap(Task& task) {
  if (i_mmap_lock_)
    i_mmap_lock_->lock(task.core());
  else
    i_mmap_rwsem_->down_write(task);
}

void File::unlock_i_mmap(Task& task) {
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
  lock_i_mmap(task);
  task.core().charge(task.core().costs().work.rmap_link, Account::work);
  task.core().write(i_mmap_);
  areas_.insert(vma.shared, vma, vma.pgoff, vma.last_pgoff());
  unlock_i_mmap(task);
}

void File::unlink_area(Task& task, Vma& vma) {
  lock_i_mmap(task);
  task.core().charge(task.core().costs().work.rmap_link, Account::work);
  task.core().write(i_mmap_);
  areas_.erase(vma.shared);
  unlock_i_mmap(task);
}

void File::begin_update(Task& task, Vma& vma) {
  lock_i_mmap(task);
  task.core().charge(task.core().costs().work.rmap_link, Account::work);
  task.core().write(i_mmap_);
  areas_.erase(vma.shared);
}

void File::end_update(Task& task, Vma& vma) {
  task.core().charge(task.core().costs().work.rmap_link, Account::work);
  task.core().settle();
  areas_.insert(vma.shared, vma, vma.pgoff, vma.last_pgoff());
  unlock_i_mmap(task);
}

} // namespace mmsim
