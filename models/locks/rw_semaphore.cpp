#include "models/locks/rw_semaphore.hpp"

#include "models/locks/lock_observer.hpp"
#include "models/locks/rwsem_implementation.hpp"
#include "models/scheduler/scheduler.hpp"
#include "models/scheduler/task.hpp"

#include <spdlog/fmt/fmt.h>

namespace mmsim {

RwSemaphore::RwSemaphore(SpinLocks& locks, Scheduler& scheduler, const char* class_name,
                         CacheLine* shared_line)
    : own_line_(shared_line ? nullptr : std::make_unique<CacheLine>(class_name)),
      line_(shared_line ? *shared_line : *own_line_), holders_(locks.counters(), class_name),
      implementation_(scheduler.sleeping_locks().make_rwsem({line_, holders_, *this})),
      observer_(locks.observer()) {}

RwSemaphore::~RwSemaphore() = default;

void RwSemaphore::down_read(Task& task) {
  task.core().settle(); // earlier work is no waiting: the request is made when it is done
  const LockRequest request{this, holders_.lock_class(), 0, LockMode::shared};
  if (observer_ != nullptr) observer_->acquiring(task, request);
  check_asks(task);
  const WaitFor whom(task.ledger, wait_for(holders_.lock_class()));
  implementation_->down_read(task, task.now());
  if (observer_ != nullptr) observer_->acquired(task, request);
}

bool RwSemaphore::down_read_trylock(Task& task) {
  task.core().settle();
  check_asks(task);
  const WaitFor whom(task.ledger, wait_for(holders_.lock_class()));
  if (!implementation_->down_read_trylock(task)) return false;
  if (observer_ != nullptr)
    observer_->acquired(task, {this, holders_.lock_class(), 0, LockMode::shared, true});
  return true;
}

void RwSemaphore::up_read(Task& task) {
  if (observer_ != nullptr) observer_->releasing(task, {this, holders_.lock_class()});
  check_has(task, LockHolders::Kind::shared);
  const WaitFor whom(task.ledger, wait_for(holders_.lock_class()));
  implementation_->up_read(task);
}

void RwSemaphore::down_write_nested(Task& task, unsigned subclass) {
  task.core().settle();
  const LockRequest request{this, holders_.lock_class(), subclass};
  if (observer_ != nullptr) observer_->acquiring(task, request);
  check_asks(task);
  const WaitFor whom(task.ledger, wait_for(holders_.lock_class()));
  implementation_->down_write(task, task.now());
  if (observer_ != nullptr) observer_->acquired(task, request);
}

void RwSemaphore::up_write(Task& task) {
  if (observer_ != nullptr) observer_->releasing(task, {this, holders_.lock_class()});
  check_has(task, LockHolders::Kind::exclusive);
  const WaitFor whom(task.ledger, wait_for(holders_.lock_class()));
  implementation_->up_write(task);
}

void RwSemaphore::downgrade_write(Task& task) {
  check_has(task, LockHolders::Kind::exclusive);
  if (observer_ != nullptr) observer_->downgraded(task, {this, holders_.lock_class()});
  const WaitFor whom(task.ledger, wait_for(holders_.lock_class()));
  implementation_->downgrade_write(task);
}

std::size_t RwSemaphore::waiters() const { return implementation_->waiters(); }

void RwSemaphore::check_asks(const Task& task) const {
  if (holders_.exclusively(task))
    throw Violation(
        fmt::format("task {} ({}) asks for {}: it would wait for itself", task.pid, task.name, describe()));
}

void RwSemaphore::check_has(const Task& task, LockHolders::Kind kind) const {
  if (kind == LockHolders::Kind::exclusive ? !holders_.exclusively(task) : !holders_.shared_by(task))
    throw Violation(fmt::format("task {} ({}) gives back {}", task.pid, task.name, describe()));
}

std::string RwSemaphore::describe() const {
  return fmt::format("{}, {}, {} waiters", holders_.class_name(), holders_.describe(), waiters());
}

} // namespace mmsim
