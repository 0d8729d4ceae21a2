#include "models/locks/semaphore.hpp"

#include "models/scheduler/scheduler.hpp"
#include "models/scheduler/task.hpp"

#include <spdlog/fmt/fmt.h>
#include <utility>

namespace mmsim {

Semaphore::Semaphore(SpinLocks& locks, Scheduler& scheduler, const char* class_name, std::uint32_t count)
    : scheduler_(scheduler), counters_(locks.counters()), class_name_(class_name),
      lock_class_(counters_.register_lock_class(class_name)), line_(class_name),
      lock_(locks.make("semaphore_lock", &line_)), observer_(locks.observer()), count_(count) {}

void Semaphore::down(Task& task) {
  Core& core = task.core();
  core.settle();
  if (observer_ != nullptr) observer_->may_sleep(core, "down()");
  const Instant requested = core.now();
  const WaitFor whom(task.ledger, wait_for(lock_class_));
  lock_->lock_irqsave(core);
  core.write(line_);
  const bool contended = count_ == 0;
  Waiter waiter(task);
  if (contended)
    wait(task, waiter); // and holds the spinlock again afterwards, perhaps on another core
  else
    --count_;
  Core& here = task.core();
  counters_.lock_acquired(lock_class_, contended, here.now() - requested,
                          std::exchange(last_holder_, here.id()) != here.id());
  lock_->unlock_irqrestore(here);
}

/// __down_common().
void Semaphore::wait(Task& task, Waiter& waiter) {
  waiters_.push_back(waiter);
  while (!waiter.up) {
    scheduler_.set_current_state(task); // up() wakes with the spinlock held
    lock_->unlock_irqrestore(task.core());
    task.core().settle();
    scheduler_.block(task, Account::lock_sleep, this);
    lock_->lock_irqsave(task.core());
  }
}

void Semaphore::up(Core& core) {
  const WaitFor whom(core.ledger(), wait_for(lock_class_));
  lock_->lock_irqsave(core);
  core.write(line_);
  if (waiters_.empty()) {
    ++count_;
  } else { // __up(): the waiter cannot go before the spinlock is free, so he is there to be woken
    Waiter& first = waiters_.front();
    waiters_.pop_front();
    first.up = true;
    scheduler_.wake(core, first.task);
  }
  lock_->unlock_irqrestore(core);
}

std::string Semaphore::describe() const {
  return fmt::format("{}, count {}, {} waiters", class_name_, count_, waiters_.size());
}

} // namespace mmsim
