// The mutex of 5.10: an owner word, waiters that spin while the owner runs, and a hand-off.
//
// Models kernel/locking/mutex.c of 5.10, in its order of steps: the owner's task and three flags in one word
// (somebody waits; hand it to the first of the queue; it has been handed over and can be picked up), the OSQ
// tail and wait_lock, which is taken with irqs on, all on one cache line.
//
// - lock: compares and swaps a free word; else mutex_optimistic_spin(): the head of the OSQ spins while the
//   owner runs and takes the mutex ahead of the queue; else queues under wait_lock and sleeps.
// - Who finds itself first of the queue when it wakes up sets the hand-off flag, once (5.15 sets it again if
//   somebody has stolen the mutex, and the flag with it), and from then on spins beside the OSQ's head: who
//   unlocks then gives the mutex to it and to nobody else (__mutex_handoff).
//
// With kernel.mutex_spin off nobody spins (CONFIG_MUTEX_SPIN_ON_OWNER=n); the hand-off stays.
//
// Left out: wound/wait mutexes, signals, debugging, a waiter's own cache line. A fiber that finds nothing
// changed waits for the line, as in rwsem_handoff.cpp.
#include "models/locks/mutex_implementation.hpp"
#include "models/locks/spin_on_owner.hpp"
#include "models/scheduler/scheduler.hpp"
#include "models/scheduler/task.hpp"
#include "models/scheduler/wake_q.hpp"

#include <boost/intrusive/list.hpp>
#include <cstdint>

namespace mmsim {
namespace {

constexpr std::uint8_t flag_waiters = 1 << 0; // MUTEX_FLAG_...
constexpr std::uint8_t flag_handoff = 1 << 1;
constexpr std::uint8_t flag_pickup = 1 << 2;

struct OwnerWord {
  Task* task = nullptr;
  std::uint8_t flags = 0;
  bool operator==(const OwnerWord&) const = default;
};

class OwnerMutex final : public MutexImplementation {
 public:
  OwnerMutex(SleepingLocks& locks, const MutexFront& front)
      : spins_(locks.parameters.mutex_spin), scheduler_(locks.scheduler), line_(front.line),
        holders_(front.holders), name_(front.name),
        wait_lock_(locks.spinlocks.make("mutex.wait_lock", &line_)),
        osq_(line_, locks.osq_nodes, scheduler_, name_) {}

 private:
  struct Waiter
      : boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
    explicit Waiter(Task& task) : task(task) {}
    Task& task;
  };

  void lock(Task& task, Instant since) override {
    task.core().rmw(line_);
    if (owner_ == OwnerWord{})
      acquire(task, 0, false, since);
    else
      lock_slowpath(task, since);
  }

  bool try_lock(Task& task) override {
    return trylock_or_owner(task, task.now(), false, Account::coherence) == nullptr;
  }

  void unlock(Task& task) override {
    task.core().rmw(line_);
    if (owner_ == OwnerWord{&task, 0})
      release(task, {});
    else
      unlock_slowpath(task);
  }

  std::size_t waiters() const override { return waiters_.size(); }

  void lock_slowpath(Task& task, Instant since);
  void unlock_slowpath(Task& task);
  Task* trylock_or_owner(Task& task, Instant since, bool contended, Account account);
  bool optimistic_spin(Task& task, bool is_waiter, Instant since);
  bool can_spin_on_owner(Core& core);
  bool spin_on_owner(Core& core, Task& owner);
  bool trylock(Task& task, Instant since, Account account) {
    return trylock_or_owner(task, since, true, account) == nullptr;
  }

  void acquire(Task& task, std::uint8_t flags, bool contended, Instant since) {
    owner_ = {&task, flags};
    holders_.enter(task, LockHolders::Kind::exclusive, contended, since);
  }
  void release(Task& task, OwnerWord left) {
    owner_ = left;
    holders_.leave(task);
  }

  const bool spins_;
  Scheduler& scheduler_;
  CacheLine& line_;
  LockHolders& holders_;
  const Waitable& name_;
  std::unique_ptr<SpinLock> wait_lock_;
  OsqLock osq_;
  OwnerWord owner_;
  boost::intrusive::list<Waiter, boost::intrusive::constant_time_size<false>> waiters_;
};

/// __mutex_trylock_or_owner(): null if `task` has it now.
Task* OwnerMutex::trylock_or_owner(Task& task, Instant since, bool contended, Account account) {
  Core& core = task.core();
  core.read(line_, account);
  for (;;) {
    const OwnerWord seen = owner_;
    std::uint8_t flags = seen.flags;
    if (seen.task != nullptr) {
      if (seen.task != &task || !(flags & flag_pickup)) return seen.task;
      flags &= ~flag_pickup;
    }
    // Who gets it has what the hand-off was asked for.
    flags &= ~flag_handoff;
    core.rmw(line_, account);
    if (owner_ != seen) continue;
    acquire(task, flags, contended, since);
    return nullptr;
  }
}

bool OwnerMutex::can_spin_on_owner(Core& core) {
  if (scheduler_.need_resched(core)) return false;
  core.read(line_, Account::lock_spin);
  return owner_.task == nullptr || owner_on_cpu(core, *owner_.task);
}

/// mutex_spin_on_owner(): false if there is no use in spinning on.
bool OwnerMutex::spin_on_owner(Core& core, Task& owner) {
  bool goes_on = true;
  spin_while_owner_runs(
      core, scheduler_, line_, owner, [&] { return owner_.task != &owner; }, [&] { goes_on = false; },
      &name_);
  return goes_on;
}

/// The first of the queue (`is_waiter`) need not stand in the OSQ.
bool OwnerMutex::optimistic_spin(Task& task, bool is_waiter, Instant since) {
  if (!spins_) return false;
  Core& core = task.core();
  bool taken = false;
  core.preempt_disable();
  if (is_waiter || (can_spin_on_owner(core) && osq_.lock(core))) {
    for (;;) {
      Task* const owner = trylock_or_owner(task, since, true, Account::lock_spin);
      taken = owner == nullptr;
      if (taken || !spin_on_owner(core, *owner)) break;
    }
    if (!is_waiter) osq_.unlock(core);
  }
  core.preempt_enable();
  if (!taken && scheduler_.need_resched(core)) {
    scheduler_.resched_point(task);
    scheduler_.set_running(task); // a waiter does not sleep now, but tries again
  }
  return taken;
}

void OwnerMutex::lock_slowpath(Task& task, Instant since) {
  if (trylock(task, since, Account::lock_spin) || optimistic_spin(task, false, since)) return;

  wait_lock_->lock(task.core());
  if (trylock(task, since, Account::lock_sleep)) {
    wait_lock_->unlock(task.core());
    return;
  }
  Waiter waiter(task);
  waiters_.push_back(waiter);
  if (&waiters_.front() == &waiter) {
    task.core().rmw(line_, Account::lock_sleep);
    owner_.flags |= flag_waiters;
  }
  bool first = false;
  scheduler_.set_current_state(task);
  while (!trylock(task, since, Account::lock_sleep)) {
    wait_lock_->unlock(task.core());
    scheduler_.block(task, Account::lock_sleep, &name_);
    if (!first && &waiters_.front() == &waiter) { // once: who steals the mutex takes the flag with it
      first = true;
      task.core().rmw(line_, Account::lock_sleep);
      owner_.flags |= flag_handoff;
    }
    scheduler_.set_current_state(task);
    const bool taken =
        trylock(task, since, Account::lock_sleep) || (first && optimistic_spin(task, true, since));
    wait_lock_->lock(task.core());
    if (taken) break;
  }
  waiters_.erase(waiters_.iterator_to(waiter));
  if (waiters_.empty()) {
    task.core().rmw(line_, Account::lock_sleep);
    owner_.flags = 0;
  }
  wait_lock_->unlock(task.core());
}

void OwnerMutex::unlock_slowpath(Task& task) {
  Core& core = task.core();
  core.read(line_);
  bool handoff;
  for (;;) {
    const OwnerWord seen = owner_;
    handoff = seen.flags & flag_handoff;
    if (handoff) break; // it stays ours until it is handed over
    core.rmw(line_);
    if (owner_ != seen) continue;
    release(task, {nullptr, seen.flags});
    if (!(seen.flags & flag_waiters)) return;
    break;
  }

  WakeQ wake_q;
  wait_lock_->lock(core);
  Task* next = nullptr;
  if (!waiters_.empty()) {
    next = &waiters_.front().task;
    wake_q.add(*next);
  }
  if (handoff) {
    core.rmw(line_);
    const std::uint8_t waiting = owner_.flags & flag_waiters;
    release(task, {next, static_cast<std::uint8_t>(waiting | (next != nullptr ? flag_pickup : 0))});
  }
  wait_lock_->unlock(core);
  wake_q.wake_up(scheduler_, core);
}

const Registered<MutexImplementation> registered{
    "owner", "waiters spin while the owner runs, hand-off to the first of the queue (5.10)",
    [](SleepingLocks& locks) -> MutexImplementation::Maker {
      return [&locks](const MutexFront& front) { return std::make_unique<OwnerMutex>(locks, front); };
    }};

} // namespace
} // namespace mmsim
