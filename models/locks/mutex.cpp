#include "models/locks/mutex.hpp"

#include "models/locks/lock_observer.hpp"
#include "models/locks/mutex_implementation.hpp"
#include "models/scheduler/scheduler.hpp"
#include "models/scheduler/task.hpp"

#include <spdlog/fmt/fmt.h>

namespace mmsim {

Mutex::Mutex(SpinLocks& locks, Scheduler& scheduler, const char* class_name, CacheLine* shared_line)
    : own_line_(shared_line ? nullptr : std::make_unique<CacheLine>(class_name)),
      line_(shared_line ? *shared_line : *own_line_), holders_(locks.counters(), class_name),
      implementation_(scheduler.sleeping_locks().make_mutex({line_, holders_, *this})),
      observer_(locks.observer()) {}

Mutex::~Mutex() = default;

void Mutex::lock(Task& task) {
  // Earlier work is no waiting: the request is made when it is done.
  task.core().settle();
  if (observer_ != nullptr) observer_->acquiring(task, {this, holders_.lock_class()});
  if (held_by(task))
    throw Violation(
        fmt::format("task {} ({}) asks for {}: it would wait for itself", task.pid, task.name, describe()));
  const WaitFor whom(task.ledger, wait_for(holders_.lock_class()));
  implementation_->lock(task, task.now());
  if (observer_ != nullptr) observer_->acquired(task, {this, holders_.lock_class()});
}

bool Mutex::try_lock(Task& task) {
  task.core().settle();
  const WaitFor whom(task.ledger, wait_for(holders_.lock_class()));
  if (!implementation_->try_lock(task)) return false;
  if (observer_ != nullptr)
    observer_->acquired(task, {this, holders_.lock_class(), 0, LockMode::exclusive, true});
  return true;
}

void Mutex::unlock(Task& task) {
  if (observer_ != nullptr) observer_->releasing(task, {this, holders_.lock_class()});
  if (!held_by(task))
    throw Violation(fmt::format("task {} ({}) gives back {}", task.pid, task.name, describe()));
  const WaitFor whom(task.ledger, wait_for(holders_.lock_class()));
  implementation_->unlock(task);
}

std::size_t Mutex::waiters() const { return implementation_->waiters(); }

std::string Mutex::describe() const {
  const Task* const holder = holders_.exclusive_holder();
  return fmt::format("{}, held by {}, {} waiters", holders_.class_name(),
                     holder != nullptr ? fmt::format("task {} ({})", holder->pid, holder->name) : "nobody",
                     waiters());
}

} // namespace mmsim
