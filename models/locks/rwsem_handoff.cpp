// The rw_semaphore of 5.10: writers may steal the lock, waiters spin while the owner runs, and a hand-off
// bounds both.
//
// Models kernel/locking/rwsem.c of 5.10, in its order of steps: a count with a writer's bit, a bit that
// somebody queues, a bit that the first of the queue must be next, and readers above; an owner word (the
// writer, or the last reader with RWSEM_READER_OWNED, and the two RWSEM_NONSPINNABLE bits); the OSQ tail and
// wait_lock. All of it is on one cache line, as in struct rw_semaphore.
//
// - down_read adds its bias and looks at what it finds; down_write compares and swaps a free count.
// - rwsem_optimistic_spin(): the head of the OSQ spins on the owner while that one runs, and takes the lock
//   ahead of the queue. A writer spins on readers for rwsem_rspin_threshold(), then forbids spinning.
// - rwsem_mark_wake(): who leaves wakes the writer at the head, which then has to take the lock itself, or
//   grants it to all waiting readers, at most 256 (MAX_READERS_WAKEUP).
// - Who is first and has waited for RWSEM_WAIT_TIMEOUT sets the hand-off bit: nobody else gets in any more.
//
// kernel.rwsem_stealing and kernel.rwsem_spin switch off what came later than the queue, to be compared. With
// stealing off nobody passes those who queue, and who spins gives up when somebody does.
//
// Left out: real-time tasks, signals, debugging, a waiter's own cache line. The clock that ends a writer's
// spinning on readers is looked at in time, not in each 16th turn. And a reader that takes its bias back,
// with nobody inside and somebody queued, wakes the queue: in 5.10 a first writer that has looked just before
// sleeps on until the reader is rescheduled, which on a simulated core without other tasks is never.
#include "models/locks/rwsem_implementation.hpp"
#include "models/locks/spin_on_owner.hpp"
#include "models/scheduler/scheduler.hpp"
#include "models/scheduler/task.hpp"
#include "models/scheduler/wake_q.hpp"

#include <algorithm>
#include <boost/intrusive/list.hpp>
#include <cstdint>
#include <utility>

namespace mmsim {
namespace {

// The count.
constexpr std::int64_t writer_locked = 1;
constexpr std::int64_t flag_waiters = 1 << 1;
constexpr std::int64_t flag_handoff = 1 << 2;
constexpr int reader_shift = 8;
constexpr std::int64_t reader_bias = 1 << reader_shift;
constexpr std::int64_t reader_mask = ~(reader_bias - 1);
constexpr std::int64_t lock_mask = writer_locked | reader_mask;
constexpr std::int64_t read_failed_mask = writer_locked | flag_waiters | flag_handoff;
constexpr std::int64_t readers_wakeup_max = 0x100; // MAX_READERS_WAKEUP

// The owner word: a task (by pid: an address would come again) above the flags. 0 is nobody.
using OwnerWord = std::uint64_t;
constexpr OwnerWord reader_owned = 1 << 0;
constexpr OwnerWord reader_nonspinnable = 1 << 1;
constexpr OwnerWord writer_nonspinnable = 1 << 2;
constexpr OwnerWord nonspinnable = reader_nonspinnable | writer_nonspinnable;
constexpr int owner_shift = 3;
OwnerWord word_of(const Task& task) { return (OwnerWord{task.pid} + 1) << owner_shift; }

enum class WakeType : std::uint8_t { any, readers, read_owned };
enum class WriterState : std::uint8_t { not_first, first, handoff };
enum class OwnerState : std::uint8_t { null, writer, reader, nonspinnable };

/// A clock that a spinning core looks at beside the line.
class SpinTimer final : public Event {
 public:
  explicit SpinTimer(Core& core) : Event(core.engine().queue()), core_(core) {}
  void set(Instant at) { core_.engine().queue().post(*this, at); }
  void fire() override { core_.look_again(); }

 private:
  Core& core_;
};

class HandoffRwsem final : public RwsemImplementation {
 public:
  HandoffRwsem(SleepingLocks& locks, const RwsemFront& front)
      : parameters_(locks.parameters), scheduler_(locks.scheduler), line_(front.line),
        holders_(front.holders), name_(front.name),
        wait_lock_(locks.spinlocks.make("rwsem.wait_lock", &line_)),
        osq_(line_, locks.osq_nodes, scheduler_, name_),
        not_past_(writer_locked | flag_handoff | (parameters_.rwsem_stealing ? 0 : flag_waiters)),
        writers_spin_(parameters_.rwsem_spin != "none"), readers_spin_(parameters_.rwsem_spin == "all"),
        trylock_reads_(parameters_.rwsem_trylock == "read"),
        wait_timeout_((parameters_.rwsem_wait_timeout + scheduler_.jiffy() - Duration(1)) /
                      scheduler_.jiffy()) {}

 private:
  using Kind = LockHolders::Kind;
  /// rwsem_waiter, on the stack of the task that waits.
  struct Waiter
      : boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
    Task* task; ///< null once a reader has been granted the lock
    bool writes;
    Instant since;
    std::int64_t timeout; ///< in jiffies
    OwnerWord last_reader_owner;
  };
  using Waiters = boost::intrusive::list<Waiter, boost::intrusive::constant_time_size<false>>;

  void down_read(Task& task, Instant since) override;
  bool down_read_trylock(Task& task) override;
  void up_read(Task& task) override;
  void down_write(Task& task, Instant since) override;
  void up_write(Task& task) override;
  void downgrade_write(Task& task) override;
  std::size_t waiters() const override { return waiters_.size(); }

  void down_read_slowpath(Task& task, Instant since);
  void down_write_slowpath(Task& task, Instant since);
  void wait_for_write(Task& task, Waiter& waiter, WriterState& state);
  void mark_wake(Core& core, WakeType type, WakeQ& wake_q, Account account);
  void wake(Core& core, WakeType type, Account account);
  bool try_write_lock(Task& task, WriterState state, Instant since);

  bool try_read_lock_unqueued(Task& task, Instant since);
  bool try_write_lock_unqueued(Task& task, Instant since);
  bool reader_phase_trylock(Task& task, OwnerWord last_reader_owner, Instant since);
  void take_bias_back(Core& core);
  bool can_spin_on_owner(Core& core, OwnerWord forbidden);
  OwnerState owner_state(OwnerWord forbidden) const;
  OwnerState spin_on_owner(Core& core, OwnerWord forbidden);
  bool optimistic_spin(Task& task, bool writes, Instant since);
  Instant reader_spin_threshold(Core& core);

  void set_owner(Task& task, Account account);
  void set_reader_owned(Core& core, const Task& task, OwnerWord flags, Account account);
  void set_nonspinnable(Core& core);
  void clear_writer_nonspinnable(Core& core, Account account);

  const SleepingLockParameters& parameters_;
  Scheduler& scheduler_;
  CacheLine& line_;
  LockHolders& holders_;
  const Waitable& name_;
  std::unique_ptr<SpinLock> wait_lock_;
  OsqLock osq_;
  const std::int64_t not_past_; // bits of the count that stop who has not queued
  const bool writers_spin_, readers_spin_, trylock_reads_;
  const std::int64_t wait_timeout_; // in jiffies
  std::int64_t count_ = 0;
  OwnerWord owner_ = 0;
  Task* owner_task_ = nullptr; // of a writer; readers are only compared
  Waiters waiters_;
};

// --- the owner word

void HandoffRwsem::set_owner(Task& task, Account account) {
  task.core().write(line_, account);
  owner_ = word_of(task);
  owner_task_ = &task;
}

/// __rwsem_set_reader_owned().
void HandoffRwsem::set_reader_owned(Core& core, const Task& task, OwnerWord flags, Account account) {
  core.read(line_, account);
  const OwnerWord word = word_of(task) | flags | reader_owned | (owner_ & reader_nonspinnable);
  core.write(line_, account);
  owner_ = word;
  owner_task_ = nullptr;
}

void HandoffRwsem::set_nonspinnable(Core& core) {
  core.read(line_, Account::lock_spin);
  if (!(owner_ & reader_owned) || (owner_ & nonspinnable)) return;
  core.rmw(line_, Account::lock_spin);
  if (owner_ & reader_owned) owner_ |= nonspinnable;
}

void HandoffRwsem::clear_writer_nonspinnable(Core& core, Account account) {
  core.read(line_, account);
  if (!(owner_ & writer_nonspinnable)) return;
  core.rmw(line_, account);
  owner_ &= ~writer_nonspinnable;
}

// --- the fast paths

void HandoffRwsem::down_read(Task& task, Instant since) {
  Core& core = task.core();
  core.rmw(line_);
  count_ += reader_bias;
  if (count_ & read_failed_mask) return down_read_slowpath(task, since);
  holders_.enter(task, Kind::shared, false, since);
  set_reader_owned(core, task, 0, Account::coherence);
}

/// __down_read_trylock(): each failed swap has read what the next one expects.
bool HandoffRwsem::down_read_trylock(Task& task) {
  Core& core = task.core();
  const Instant since = task.now();
  std::int64_t expected = 0; // RWSEM_UNLOCKED_VALUE
  if (trylock_reads_) {
    core.read(line_);
    expected = count_;
  }
  while (!(expected & read_failed_mask)) {
    core.rmw(line_);
    if (count_ != expected) {
      expected = count_;
      continue;
    }
    count_ += reader_bias;
    holders_.enter(task, Kind::shared, false, since);
    set_reader_owned(core, task, 0, Account::coherence);
    return true;
  }
  return false;
}

void HandoffRwsem::up_read(Task& task) {
  Core& core = task.core();
  core.rmw(line_);
  const std::int64_t count = count_ -= reader_bias;
  holders_.leave(task);
  if ((count & (lock_mask | flag_waiters)) != flag_waiters) return;
  clear_writer_nonspinnable(core, Account::coherence);
  wake(core, WakeType::any, Account::coherence);
}

void HandoffRwsem::down_write(Task& task, Instant since) {
  task.core().rmw(line_);
  if (count_ != 0) return down_write_slowpath(task, since);
  count_ = writer_locked;
  holders_.enter(task, Kind::exclusive, false, since);
  set_owner(task, Account::coherence);
}

void HandoffRwsem::up_write(Task& task) {
  Core& core = task.core();
  core.write(line_);
  owner_ = 0;
  owner_task_ = nullptr;
  core.rmw(line_);
  const std::int64_t count = std::exchange(count_, count_ - writer_locked);
  holders_.leave(task);
  if (count & flag_waiters) wake(core, WakeType::any, Account::coherence);
}

void HandoffRwsem::downgrade_write(Task& task) {
  Core& core = task.core();
  core.rmw(line_);
  const std::int64_t count = std::exchange(count_, count_ - writer_locked + reader_bias);
  holders_.share();
  set_reader_owned(core, task, 0, Account::coherence);
  if (count & flag_waiters) wake(core, WakeType::read_owned, Account::coherence);
}

// --- waking

/// rwsem_wake() and rwsem_downgrade_wake().
void HandoffRwsem::wake(Core& core, WakeType type, Account account) {
  WakeQ wake_q;
  wait_lock_->lock_irqsave(core);
  if (!waiters_.empty()) mark_wake(core, type, wake_q, account);
  wait_lock_->unlock_irqrestore(core);
  wake_q.wake_up(scheduler_, core);
}

void HandoffRwsem::mark_wake(Core& core, WakeType type, WakeQ& wake_q, Account account) {
  Waiter& first = waiters_.front();
  if (first.writes) {
    // Until it runs others may steal the lock from it.
    if (type == WakeType::any) wake_q.add(*first.task);
    return;
  }

  // Grant it to the first reader before counting the others: a writer may have stolen it.
  std::int64_t adjustment = 0;
  if (type != WakeType::read_owned) {
    adjustment = reader_bias;
    core.rmw(line_, account);
    const std::int64_t before = std::exchange(count_, count_ + adjustment);
    if (before & writer_locked) {
      if (!(before & flag_handoff) && scheduler_.jiffies() > first.timeout) adjustment -= flag_handoff;
      core.rmw(line_, account);
      count_ -= adjustment;
      return;
    }
    // Tells spinners early; the reader's note of the non-spinnable bit is copied over.
    set_reader_owned(core, *first.task, first.last_reader_owner & reader_nonspinnable, account);
  }

  // All readers of the queue, whoever stands between them: a reader phase.
  Waiters granted;
  std::int64_t woken = 0;
  for (auto it = waiters_.begin(); it != waiters_.end() && woken < readers_wakeup_max;) {
    Waiter& waiter = *it++;
    if (waiter.writes) continue;
    ++woken;
    waiters_.erase(waiters_.iterator_to(waiter));
    granted.push_back(waiter);
  }
  adjustment = woken * reader_bias - adjustment;
  if (waiters_.empty()) adjustment -= flag_waiters;
  core.read(line_, account);
  if (count_ & flag_handoff) adjustment -= flag_handoff;
  if (adjustment != 0) {
    core.rmw(line_, account);
    count_ += adjustment;
  }
  while (!granted.empty()) {
    Waiter& waiter = granted.front();
    granted.pop_front();
    Task& task = *std::exchange(waiter.task, nullptr);
    holders_.enter(task, Kind::shared, true, waiter.since);
    wake_q.add(task);
  }
}

// --- spinning

/// Nobody is inside any more, but somebody waits who may have seen the bias: see the top of this file.
void HandoffRwsem::take_bias_back(Core& core) {
  core.rmw(line_, Account::lock_spin);
  count_ -= reader_bias;
  if ((count_ & (lock_mask | flag_waiters)) == flag_waiters) wake(core, WakeType::any, Account::lock_spin);
}

bool HandoffRwsem::try_read_lock_unqueued(Task& task, Instant since) {
  Core& core = task.core();
  core.read(line_, Account::lock_spin);
  if (count_ & not_past_) return false;
  core.rmw(line_, Account::lock_spin);
  const std::int64_t before = std::exchange(count_, count_ + reader_bias);
  if (!(before & not_past_)) {
    holders_.enter(task, Kind::shared, true, since);
    set_reader_owned(core, task, 0, Account::lock_spin);
    return true;
  }
  take_bias_back(core);
  return false;
}

bool HandoffRwsem::try_write_lock_unqueued(Task& task, Instant since) {
  Core& core = task.core();
  core.read(line_, Account::lock_spin);
  while (!(count_ & (reader_mask | not_past_))) {
    const std::int64_t count = count_;
    core.rmw(line_, Account::lock_spin);
    if (count_ != count) continue;
    count_ |= writer_locked;
    holders_.enter(task, Kind::exclusive, true, since);
    set_owner(task, Account::lock_spin);
    return true;
  }
  return false;
}

/// The lock is with readers, and was not, or with another last one, when we came: still our phase.
bool HandoffRwsem::reader_phase_trylock(Task& task, OwnerWord last_reader_owner, Instant since) {
  task.core().read(line_, Account::lock_spin);
  if (!(owner_ & reader_owned)) return false;
  return (owner_ ^ last_reader_owner) >> owner_shift != 0 && try_read_lock_unqueued(task, since);
}

bool HandoffRwsem::can_spin_on_owner(Core& core, OwnerWord forbidden) {
  if (scheduler_.need_resched(core)) return false;
  core.read(line_, Account::lock_spin);
  if (owner_ & forbidden) return false;
  if (owner_task_ == nullptr) return true; // nobody, or readers: who of them is inside, nobody knows
  return owner_on_cpu(core, *owner_task_);
}

OwnerState HandoffRwsem::owner_state(OwnerWord forbidden) const {
  if (owner_ & forbidden) return OwnerState::nonspinnable;
  if (owner_ & reader_owned) return OwnerState::reader;
  return owner_ != 0 ? OwnerState::writer : OwnerState::null;
}

OwnerState HandoffRwsem::spin_on_owner(Core& core, OwnerWord forbidden) {
  core.read(line_, Account::lock_spin);
  OwnerState state = owner_state(forbidden);
  if (state != OwnerState::writer) return state;

  const OwnerWord seen = owner_;
  spin_while_owner_runs(
      core, scheduler_, line_, *owner_task_,
      [&] {
        if (owner_ == seen) return false;
        state = owner_state(forbidden);
        return true;
      },
      [&] { state = OwnerState::nonspinnable; }, &name_);
  return state;
}

Instant HandoffRwsem::reader_spin_threshold(Core& core) {
  core.read(line_, Account::lock_spin);
  const std::int64_t readers = std::min<std::int64_t>(count_ >> reader_shift, 30);
  return core.now() + parameters_.rwsem_reader_spin + readers * parameters_.rwsem_reader_spin_each;
}

bool HandoffRwsem::optimistic_spin(Task& task, bool writes, Instant since) {
  Core& core = task.core();
  const OwnerWord forbidden = writes ? writer_nonspinnable : reader_nonspinnable;
  bool taken = false;
  core.preempt_disable();
  if (osq_.lock(core)) {
    OwnerState previous = OwnerState::null;
    Instant threshold{};
    SpinTimer timer(core);
    for (;;) {
      const OwnerState state = spin_on_owner(core, forbidden);
      if (state == OwnerState::nonspinnable) break;

      core.read(line_, Account::lock_spin);
      const std::int64_t count = count_;
      const OwnerWord owner = owner_;
      const bool still = owner_state(forbidden) == state;
      if (count & flag_waiters & not_past_) break;
      taken = writes ? try_write_lock_unqueued(task, since) : try_read_lock_unqueued(task, since);
      if (taken) break;

      const bool on_readers = writes && state == OwnerState::reader;
      if (on_readers && previous != OwnerState::reader) {
        core.read(line_, Account::lock_spin);
        if (owner_ & forbidden) break;
        threshold = reader_spin_threshold(core);
        timer.set(threshold);
      } else if (on_readers && core.now() >= threshold) {
        set_nonspinnable(core);
        break;
      }
      if (state != OwnerState::writer && scheduler_.need_resched(core)) break;
      previous = state;
      if (state == OwnerState::writer || !still) continue; // to spin on that one
      // A turn that finds what the last one found does nothing.
      core.spin_watching(
          line_, Account::lock_spin,
          [&] {
            return count_ != count || owner_ != owner || scheduler_.need_resched(core) ||
                   (on_readers && core.now() >= threshold);
          },
          &name_);
    }
    osq_.unlock(core);
  }
  core.preempt_enable();
  return taken;
}

// --- the slow paths

void HandoffRwsem::down_read_slowpath(Task& task, Instant since) {
  Core& core = task.core();
  std::int64_t adjustment = -reader_bias;
  core.read(line_, Account::lock_spin);
  OwnerWord last_reader_owner = owner_;
  if (!(last_reader_owner & reader_owned)) last_reader_owner &= reader_nonspinnable;

  if (readers_spin_ && can_spin_on_owner(core, reader_nonspinnable)) {
    take_bias_back(core);
    adjustment = 0;
    if (optimistic_spin(task, false, since)) {
      core.read(line_);
      if (count_ & flag_waiters) wake(core, WakeType::read_owned, Account::coherence);
      return;
    }
    if (parameters_.rwsem_stealing && reader_phase_trylock(task, last_reader_owner, since)) return;
  }

  Waiter waiter;
  waiter.task = &task;
  waiter.writes = false;
  waiter.since = since;
  waiter.last_reader_owner = last_reader_owner;
  waiter.timeout = scheduler_.jiffies() + wait_timeout_;
  WakeQ wake_q;
  wait_lock_->lock_irqsave(core);
  if (waiters_.empty()) {
    // Our bias stands, and the writer has left: we are in.
    if (adjustment != 0) {
      core.read(line_, Account::lock_sleep);
      if (!(count_ & (writer_locked | flag_handoff))) {
        holders_.enter(task, Kind::shared, true, since);
        wait_lock_->unlock_irqrestore(core);
        set_reader_owned(core, task, 0, Account::lock_sleep);
        return;
      }
    }
    adjustment += flag_waiters;
  }
  waiters_.push_back(waiter);

  // We wait, but are no longer on our way in.
  if (adjustment != 0)
    core.rmw(line_, Account::lock_sleep);
  else
    core.read(line_, Account::lock_sleep);
  const std::int64_t count = count_ += adjustment;
  const bool nobody_inside = !(count & lock_mask);
  if (nobody_inside) clear_writer_nonspinnable(core, Account::lock_sleep);
  if (nobody_inside || (!(count & writer_locked) && (adjustment & flag_waiters)))
    mark_wake(core, WakeType::any, wake_q, Account::lock_sleep);
  wait_lock_->unlock_irqrestore(core);
  wake_q.wake_up(scheduler_, core);

  core.settle();
  for (;;) {
    scheduler_.set_current_state(task);
    if (waiter.task == nullptr) return;
    scheduler_.block(task, Account::lock_sleep, &name_);
  }
}

/// If `state` is handoff, either the lock is taken or the hand-off bit is set afterwards.
bool HandoffRwsem::try_write_lock(Task& task, WriterState state, Instant since) {
  Core& core = task.core();
  core.read(line_, Account::lock_sleep);
  for (;;) {
    const std::int64_t count = count_;
    const bool has_handoff = count & flag_handoff;
    if (state == WriterState::not_first && (has_handoff || !parameters_.rwsem_stealing)) return false;
    std::int64_t wanted = count;
    if (count & lock_mask) {
      if (has_handoff || state != WriterState::handoff) return false;
      wanted |= flag_handoff;
    } else {
      wanted |= writer_locked;
      wanted &= ~flag_handoff;
      if (std::next(waiters_.begin()) == waiters_.end()) wanted &= ~flag_waiters;
    }
    core.rmw(line_, Account::lock_sleep);
    if (count_ != count) continue;
    count_ = wanted;
    if (wanted & flag_handoff) return false;
    holders_.enter(task, Kind::exclusive, true, since);
    set_owner(task, Account::lock_sleep);
    return true;
  }
}

void HandoffRwsem::down_write_slowpath(Task& task, Instant since) {
  Core* core = &task.core();
  if (writers_spin_ && can_spin_on_owner(*core, writer_nonspinnable) && optimistic_spin(task, true, since))
    return;

  // Who has seen that spinning on readers did not pay forbids it to readers, once it has the lock.
  core->read(line_, Account::lock_spin);
  const bool disable_reader_spin = owner_ & nonspinnable;

  Waiter waiter;
  waiter.task = &task;
  waiter.writes = true;
  waiter.since = since;
  waiter.last_reader_owner = 0;
  waiter.timeout = scheduler_.jiffies() + wait_timeout_;
  wait_lock_->lock_irqsave(*core);
  WriterState state = waiters_.empty() ? WriterState::first : WriterState::not_first;
  waiters_.push_back(waiter);
  if (state == WriterState::not_first) {
    core->read(line_, Account::lock_sleep);
    if (!(count_ & writer_locked)) {
      // With readers inside those that wait may join; with nobody inside the first may be waiting for it.
      WakeQ wake_q;
      mark_wake(*core, count_ & reader_mask ? WakeType::readers : WakeType::any, wake_q, Account::lock_sleep);
      if (!wake_q.empty()) {
        wait_lock_->unlock_irqrestore(*core);
        wake_q.wake_up(scheduler_, *core);
        wait_lock_->lock_irqsave(*core);
      }
    }
  } else {
    core->rmw(line_, Account::lock_sleep);
    count_ |= flag_waiters;
  }

  scheduler_.set_current_state(task);
  while (!try_write_lock(task, state, since)) {
    wait_lock_->unlock_irqrestore(*core);
    // With the hand-off asked for: if the owner is just leaving, try again without sleeping.
    if (!(state == WriterState::handoff && writers_spin_ &&
          spin_on_owner(*core, nonspinnable) == OwnerState::null))
      wait_for_write(task, waiter, state);
    core = &task.core();
    wait_lock_->lock_irqsave(*core);
  }
  waiters_.erase(waiters_.iterator_to(waiter));
  if (disable_reader_spin) {
    core->rmw(line_, Account::lock_sleep);
    owner_ |= reader_nonspinnable;
  }
  wait_lock_->unlock_irqrestore(*core);
}

/// Sleeps until nobody is inside, or until the first of the queue has waited for too long.
void HandoffRwsem::wait_for_write(Task& task, Waiter& waiter, WriterState& state) {
  for (;;) {
    scheduler_.block(task, Account::lock_sleep, &name_);
    scheduler_.set_current_state(task);
    if (state == WriterState::handoff) return;
    if (state == WriterState::not_first && &waiters_.front() == &waiter) state = WriterState::first;
    task.core().read(line_, Account::lock_sleep);
    if (!(count_ & lock_mask)) return;
    if (state == WriterState::first && scheduler_.jiffies() > waiter.timeout) {
      state = WriterState::handoff;
      return;
    }
  }
}

const Registered<RwsemImplementation> registered{
    "handoff", "writers steal, waiters spin while the owner runs, a hand-off bounds both (5.10)",
    [](SleepingLocks& locks) -> RwsemImplementation::Maker {
      return [&locks](const RwsemFront& front) { return std::make_unique<HandoffRwsem>(locks, front); };
    }};

} // namespace
} // namespace mmsim
