#include "models/locks/rw_semaphore.hpp"

#include "models/scheduler/scheduler.hpp"
#include "models/scheduler/task.hpp"

#include <spdlog/fmt/fmt.h>

namespace mmsim {

namespace {
// The two halves of the count, as in asm-x86/rwsem.h. One who waits for his turn counts as waiting, a reader
// inside as active, a writer inside as both, so that a negative count means: not for a reader to walk in.
constexpr std::int64_t active = 1;
constexpr std::int64_t active_mask = 0xffff;
constexpr std::int64_t waiting = -0x10000;
constexpr std::int64_t active_write = waiting + active;
} // namespace

RwSemaphore::RwSemaphore(SpinLocks& locks, Scheduler& scheduler, const char* class_name,
                         CacheLine* shared_line)
    : scheduler_(scheduler), counters_(locks.counters()),
      own_line_(shared_line ? nullptr : std::make_unique<CacheLine>(class_name)),
      line_(shared_line ? *shared_line : *own_line_), wait_lock_(locks.make("wait_lock", &line_)),
      class_name_(class_name), lock_class_(counters_.register_lock_class(class_name)),
      observer_(locks.observer()) {}

RwSemaphore::~RwSemaphore() = default;

/// rwsem_atomic_update().
std::int64_t RwSemaphore::update(Core& core, std::int64_t change, Account account) {
  core.rmw(line_, account);
  return count_ += change;
}

void RwSemaphore::down_read(Task& task) {
  task.core().settle();
  if (observer_ != nullptr) observer_->acquiring(task, {this, lock_class_, 0, LockMode::shared});
  down(task, false);
  if (observer_ != nullptr) observer_->acquired(task, {this, lock_class_, 0, LockMode::shared});
}

void RwSemaphore::down_write_nested(Task& task, unsigned subclass) {
  task.core().settle();
  if (observer_ != nullptr) observer_->acquiring(task, {this, lock_class_, subclass});
  down(task, true);
  if (observer_ != nullptr) observer_->acquired(task, {this, lock_class_, subclass});
}

void RwSemaphore::down(Task& task, bool writes) {
  Core& core = task.core();
  core.settle();
  if (writer_ == &task)
    throw Violation(
        fmt::format("task {} ({}) asks for {}: it would wait for itself", task.pid, task.name, describe()));
  const Instant since = core.now();
  const std::int64_t count = update(core, writes ? active_write : active, Account::coherence);
  if (writes ? count == active_write : count >= 0) {
    enter(task, writes, false, since);
    return;
  }
  Waiter waiter(task, writes, since);
  wait(task, waiter);
}

/// rwsem_down_failed_common().
void RwSemaphore::wait(Task& task, Waiter& waiter) {
  Core& core = task.core();
  wait_lock_->lock_irqsave(core);
  waiters_.push_back(waiter);
  // We wait, but are no longer on our way in. If nobody is inside (any more), the head of the queue is next.
  const std::int64_t count = update(core, waiter.writes ? -active : waiting - active, Account::lock_sleep);
  if ((count & active_mask) == 0) wake_head(task, false, Account::lock_sleep);
  wait_lock_->unlock_irqrestore(core);
  core.settle();
  while (!waiter.granted)
    scheduler_.block(task, Account::lock_sleep, this);
}

void RwSemaphore::up_read(Task& task) {
  if (observer_ != nullptr) observer_->releasing(task, {this, lock_class_});
  check_inside(task, false);
  const std::int64_t count = update(task.core(), -active, Account::coherence);
  leave(task, false);
  if (count < -1 && (count & active_mask) == 0) wake(task, false);
}

void RwSemaphore::up_write(Task& task) {
  if (observer_ != nullptr) observer_->releasing(task, {this, lock_class_});
  check_inside(task, true);
  const std::int64_t count = update(task.core(), -active_write, Account::coherence);
  leave(task, true);
  if (count < 0) wake(task, false);
}

void RwSemaphore::downgrade_write(Task& task) {
  check_inside(task, true);
  if (observer_ != nullptr) observer_->downgraded(task, {this, lock_class_});
  const std::int64_t count = update(task.core(), -waiting, Account::coherence);
  accrue_hold(task.now());
  writer_ = nullptr;
  ++readers_;
  if (count < 0) wake(task, true);
}

/// rwsem_wake() and rwsem_downgrade_wake().
void RwSemaphore::wake(Task& self, bool downgrading) {
  Core& core = self.core();
  wait_lock_->lock_irqsave(core);
  if (!waiters_.empty()) wake_head(self, downgrading, Account::coherence);
  wait_lock_->unlock_irqrestore(core);
}

/// __rwsem_do_wake(), with the test of the undo path as corrected in 2.6.36: nobody active, whoever waits.
void RwSemaphore::wake_head(Task& self, bool downgrading, Account account) {
  Core& core = self.core();
  if (!downgrading) {
    // Only who brings the active part from 0 to 1 may hand the lock on: others may be on their way in.
    while ((update(core, active, account) - active) & active_mask)
      if (update(core, -active, account) & active_mask) return;
    if (waiters_.front().writes) {
      grant(self, waiters_.front());
      return;
    }
  } else if (waiters_.front().writes) {
    return;
  }

  std::int64_t readers = 0;
  for (const Waiter& waiter : waiters_) {
    if (waiter.writes) break;
    ++readers;
  }
  update(core, readers * (active - waiting) - (downgrading ? 0 : active), account);
  for (; readers > 0; --readers)
    grant(self, waiters_.front());
}

// From `granted` on the waiter may be gone, and its task may be anywhere, even dead, when the wake-up comes:
// a task can be woken for nothing, and whoever sleeps has to look again.
void RwSemaphore::grant(Task& self, Waiter& waiter) {
  Core& core = self.core();
  core.settle();
  Task& task = waiter.task;
  waiters_.erase(waiters_.iterator_to(waiter));
  enter(task, waiter.writes, true, waiter.since);
  waiter.granted = true;
  if (&task != &self) scheduler_.wake(core, task);
}

// The lock is held from the instant at which it is granted, also while its new owner wakes up.
void RwSemaphore::enter(Task& task, bool writes, bool contended, Instant since) {
  const Instant now = task.now();
  accrue_hold(now);
  if (writes)
    writer_ = &task;
  else
    ++readers_;
  counters_.lock_acquired(lock_class_, contended, now - since);
}

void RwSemaphore::leave(Task& task, bool writes) {
  accrue_hold(task.now());
  if (writes)
    writer_ = nullptr;
  else
    --readers_;
}

void RwSemaphore::check_inside(const Task& task, bool writes) const {
  if (writes ? writer_ != &task : readers_ == 0)
    throw Violation(fmt::format("task {} ({}) gives back {}", task.pid, task.name, describe()));
}

// Readers overlap: their hold times are counted together as time passes, not one by one as they leave.
void RwSemaphore::accrue_hold(Instant until) {
  const std::int64_t inside = static_cast<std::int64_t>(readers_) + (writer_ != nullptr);
  counters_.lock_released(lock_class_, inside * (until - hold_accrued_until_));
  hold_accrued_until_ = until;
}

std::string RwSemaphore::describe() const {
  const std::string holder =
      writer_        ? fmt::format("held for writing by task {} ({})", writer_->pid, writer_->name)
      : readers_ > 0 ? fmt::format("held for reading by {} tasks", readers_)
                     : "held by nobody";
  return fmt::format("{}, {}, {} waiters", class_name_, holder, waiters());
}

} // namespace mmsim
