// The rw_semaphore of 2.6.24: strictly first in, first out.
//
// Models lib/rwsem.c of 2.6.24 (down_read_failed, down_write_failed, __rwsem_do_wake) with the fast paths of
// asm-generic rwsem: one count that is added to atomically (its low half counts who is inside, each writer
// and each waiter subtracts one from its high half), and a first-in first-out list of waiters under
// wait_lock. Who leaves hands the lock on: to the writer at the head of the list, or to all readers at its
// head up to the next writer. Count and wait_lock share a cache line, as they do in struct rw_semaphore.
//
// Left out: Arm selected the variant of 2.6.24 that does all counting under wait_lock
// (lib/rwsem-spinlock.c); hand-over and order are the same.
#include "models/locks/rwsem_implementation.hpp"
#include "models/scheduler/scheduler.hpp"
#include "models/scheduler/task.hpp"

#include <boost/intrusive/list.hpp>
#include <cstdint>

namespace mmsim {
namespace {

// The two halves of the count, as in asm-x86/rwsem.h. One who waits for his turn counts as waiting, a reader
// inside as active, a writer inside as both, so that a negative count means: not for a reader to walk in.
constexpr std::int64_t active = 1;
constexpr std::int64_t active_mask = 0xffff;
constexpr std::int64_t waiting = -0x10000;
constexpr std::int64_t active_write = waiting + active;

class FifoRwsem final : public RwsemImplementation {
 public:
  FifoRwsem(SleepingLocks& locks, const RwsemFront& front)
      : scheduler_(locks.scheduler), line_(front.line), holders_(front.holders), name_(front.name),
        wait_lock_(locks.spinlocks.make("rwsem.wait_lock", &line_)) {}

 private:
  using Kind = LockHolders::Kind;
  /// On the stack of the task that waits, until it is granted the lock.
  struct Waiter
      : boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
    Waiter(Task& task, bool writes, Instant since) : task(task), writes(writes), since(since) {}
    Task& task;
    const bool writes;
    const Instant since;
    bool granted = false;
  };

  void down_read(Task& task, Instant since) override { down(task, false, since); }
  void down_write(Task& task, Instant since) override { down(task, true, since); }
  bool down_read_trylock(Task& task) override;
  void up_read(Task& task) override;
  void up_write(Task& task) override;
  void downgrade_write(Task& task) override;
  std::size_t waiters() const override { return waiters_.size(); }

  std::int64_t update(Core& core, std::int64_t change, Account account);
  void down(Task& task, bool writes, Instant since);
  void wait(Task& task, Waiter& waiter);
  void wake(Task& self, bool downgrading);
  void wake_head(Task& self, bool downgrading, Account account);
  void grant(Task& self, Waiter& waiter);

  Scheduler& scheduler_;
  CacheLine& line_;
  LockHolders& holders_;
  const Waitable& name_;
  std::unique_ptr<SpinLock> wait_lock_;
  std::int64_t count_ = 0;
  boost::intrusive::list<Waiter, boost::intrusive::constant_time_size<false>> waiters_;
};

/// rwsem_atomic_update().
std::int64_t FifoRwsem::update(Core& core, std::int64_t change, Account account) {
  core.rmw(line_, account);
  return count_ += change;
}

void FifoRwsem::down(Task& task, bool writes, Instant since) {
  const std::int64_t count = update(task.core(), writes ? active_write : active, Account::coherence);
  if (writes ? count == active_write : count >= 0) {
    // The lock is held from the instant at which it is granted, also while its new owner wakes up.
    holders_.enter(task, writes ? Kind::exclusive : Kind::shared, false, since);
    return;
  }
  Waiter waiter(task, writes, since);
  wait(task, waiter);
}

/// __down_read_trylock(): compares and swaps as long as nobody writes or waits.
bool FifoRwsem::down_read_trylock(Task& task) {
  Core& core = task.core();
  core.read(line_);
  while (count_ >= 0) {
    const std::int64_t seen = count_;
    core.rmw(line_);
    if (count_ != seen) continue;
    count_ += active;
    holders_.enter(task, Kind::shared, false, task.now());
    return true;
  }
  return false;
}

/// rwsem_down_failed_common().
void FifoRwsem::wait(Task& task, Waiter& waiter) {
  Core& core = task.core();
  scheduler_.set_current_state(task);
  wait_lock_->lock_irqsave(core);
  waiters_.push_back(waiter);
  // We wait, but are no longer on our way in. If nobody is inside (any more), the head of the queue is next.
  const std::int64_t count = update(core, waiter.writes ? -active : waiting - active, Account::lock_sleep);
  if ((count & active_mask) == 0) wake_head(task, false, Account::lock_sleep);
  wait_lock_->unlock_irqrestore(core);
  core.settle();
  while (!waiter.granted) {
    scheduler_.block(task, Account::lock_sleep, &name_);
    scheduler_.set_current_state(task);
  }
}

void FifoRwsem::up_read(Task& task) {
  const std::int64_t count = update(task.core(), -active, Account::coherence);
  holders_.leave(task);
  if (count < -1 && (count & active_mask) == 0) wake(task, false);
}

void FifoRwsem::up_write(Task& task) {
  const std::int64_t count = update(task.core(), -active_write, Account::coherence);
  holders_.leave(task);
  if (count < 0) wake(task, false);
}

void FifoRwsem::downgrade_write(Task& task) {
  const std::int64_t count = update(task.core(), -waiting, Account::coherence);
  holders_.share();
  if (count < 0) wake(task, true);
}

/// rwsem_wake() and rwsem_downgrade_wake().
void FifoRwsem::wake(Task& self, bool downgrading) {
  Core& core = self.core();
  wait_lock_->lock_irqsave(core);
  if (!waiters_.empty()) wake_head(self, downgrading, Account::coherence);
  wait_lock_->unlock_irqrestore(core);
}

/// __rwsem_do_wake(), with the test of the undo path as corrected in 2.6.36: nobody active, whoever waits.
void FifoRwsem::wake_head(Task& self, bool downgrading, Account account) {
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
void FifoRwsem::grant(Task& self, Waiter& waiter) {
  Core& core = self.core();
  core.settle();
  Task& task = waiter.task;
  waiters_.erase(waiters_.iterator_to(waiter));
  holders_.enter(task, waiter.writes ? Kind::exclusive : Kind::shared, true, waiter.since);
  waiter.granted = true;
  if (&task != &self) scheduler_.wake(core, task);
}

const Registered<RwsemImplementation> registered{
    "fifo", "a queue that nobody passes, woken by who leaves (2.6.24)",
    [](SleepingLocks& locks) -> RwsemImplementation::Maker {
      return [&locks](const RwsemFront& front) { return std::make_unique<FifoRwsem>(locks, front); };
    }};

} // namespace
} // namespace mmsim
