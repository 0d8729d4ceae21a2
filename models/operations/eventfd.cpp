#include "models/operations/eventfd.hpp"

#include <utility>

namespace mmsim {

void EventFd::signal(System& system, Core& core) {
  lock_->lock_irqsave(core);
  ++count_;
  if (reader_ != nullptr) system.scheduler.wake(core, *reader_); // wake_up_locked_poll()
  lock_->unlock_irqrestore(core);
}

void EventFd::write(System& system, Task& task) {
  task.core().charge(task.core().costs().entry.syscall, Account::entry);
  signal(system, task.core());
  return_to_user_mode(system, task);
}

void EventFd::read(System& system, Task& task) {
  task.core().charge(task.core().costs().entry.syscall, Account::entry);
  lock_->lock_irqsave(task.core());
  while (count_ == 0 && !task.killed) {
    reader_ = &task; // __add_wait_queue()
    task.killable = true;
    system.scheduler.set_current_state(task);
    lock_->unlock_irqrestore(task.core());
    {
      const WaitFor whom(task.ledger, event_);
      system.scheduler.block(task, Account::schedule, this);
    }
    lock_->lock_irqsave(task.core());
    task.killable = false;
    reader_ = nullptr;
  }
  if (!task.killed) count_ = 0;
  lock_->unlock_irqrestore(task.core());
  return_to_user_mode(system, task);
}

} // namespace mmsim
