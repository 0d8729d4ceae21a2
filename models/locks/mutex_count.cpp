// The mutex of 2.6.24: a count and a queue.
//
// Models kernel/mutex.c of 2.6.24 (__mutex_lock_common, __mutex_unlock_common_slowpath) with the fast paths
// of asm-generic/mutex-dec.h: the count is 1 (free), 0 (taken) or -1 (taken, and perhaps somebody waits). Who
// leaves sets it to 1 and wakes the first of the queue, who has to take it like everybody else: others may be
// faster. Count and wait_lock share a cache line; wait_lock is taken with irqs on.
//
// Left out: Arm's own fast path (include/asm-arm/mutex.h), which is one LDREX and STREX without a loop.
#include "models/locks/mutex_implementation.hpp"
#include "models/scheduler/scheduler.hpp"
#include "models/scheduler/task.hpp"

#include <boost/intrusive/list.hpp>
#include <utility>

namespace mmsim {
namespace {

class CountMutex final : public MutexImplementation {
 public:
  CountMutex(SleepingLocks& locks, const MutexFront& front)
      : scheduler_(locks.scheduler), line_(front.line), holders_(front.holders), name_(front.name),
        wait_lock_(locks.spinlocks.make("mutex.wait_lock", &line_)) {}

 private:
  struct Waiter
      : boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
    explicit Waiter(Task& task) : task(task) {}
    Task& task;
  };

  void lock(Task& task, Instant since) override {
    task.core().rmw(line_);
    if (--count_ == 0)
      holders_.enter(task, LockHolders::Kind::exclusive, false, since);
    else
      lock_slowpath(task, since);
  }

  bool try_lock(Task& task) override {
    task.core().rmw(line_);
    if (count_ != 1) return false;
    count_ = 0;
    holders_.enter(task, LockHolders::Kind::exclusive, false, task.now());
    return true;
  }

  void unlock(Task& task) override {
    task.core().rmw(line_);
    if (++count_ == 1)
      holders_.leave(task);
    else
      unlock_slowpath(task); // nobody can take it yet
  }

  std::size_t waiters() const override { return waiters_.size(); }

  /// Whoever finds it free has it, and says that there may be others: he who unlocks will look.
  bool take(Task& task) {
    task.core().rmw(line_, Account::lock_sleep);
    return std::exchange(count_, -1) == 1;
  }
  void lock_slowpath(Task& task, Instant since);
  void unlock_slowpath(Task& task);

  Scheduler& scheduler_;
  CacheLine& line_;
  LockHolders& holders_;
  const Waitable& name_;
  std::unique_ptr<SpinLock> wait_lock_;
  int count_ = 1;
  boost::intrusive::list<Waiter, boost::intrusive::constant_time_size<false>> waiters_;
};

void CountMutex::lock_slowpath(Task& task, Instant since) {
  Waiter waiter(task);
  wait_lock_->lock(task.core());
  waiters_.push_back(waiter);
  if (!take(task))
    while (!take(task)) {
      scheduler_.set_current_state(task); // who leaves wakes with wait_lock held
      wait_lock_->unlock(task.core());
      scheduler_.block(task, Account::lock_sleep, &name_);
      wait_lock_->lock(task.core());
    }
  holders_.enter(task, LockHolders::Kind::exclusive, true, since);
  waiters_.erase(waiters_.iterator_to(waiter));
  if (waiters_.empty()) {
    task.core().write(line_, Account::lock_sleep);
    count_ = 0;
  }
  wait_lock_->unlock(task.core());
}

void CountMutex::unlock_slowpath(Task& task) {
  Core& core = task.core();
  wait_lock_->lock(core);
  core.write(line_);
  count_ = 1;
  holders_.leave(task);
  if (!waiters_.empty()) scheduler_.wake(core, waiters_.front().task);
  wait_lock_->unlock(core);
}

const Registered<MutexImplementation> registered{"count", "a count and a queue, nobody spins (2.6.24)",
                                                 [](SleepingLocks& locks) -> MutexImplementation::Maker {
                                                   return [&locks](const MutexFront& front) {
                                                     return std::make_unique<CountMutex>(locks, front);
                                                   };
                                                 }};

} // namespace
} // namespace mmsim
