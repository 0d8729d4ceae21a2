// The counting semaphore: so many may go on, the others sleep in the order in which they came.
//
//   Semaphore semaphore(locks, scheduler, "console_sem", 1);
//   semaphore.down(task);          // sleeps until it is its turn; `task.core()` may be another one afterwards
//   semaphore.up(core);            // from anywhere, an interrupt included
//
// Models kernel/locking/semaphore.c of 5.10 (kernel/semaphore.c since 2.6.26): all under the semaphore's own
// spinlock with irqs off. down() takes one of the count or queues (__down_common) and sleeps until it is
// *handed* the semaphore: up() adds to the count only if nobody waits; else the first waiter is taken off the
// queue, marked and woken with the spinlock held, and the count stays, so that nobody can get ahead of him.
// Count and spinlock share a line, as they do in struct semaphore. Before 2.6.26 each architecture had its
// own, with an atomic count and a wait queue; order and sleeping are the same.
//
// Counted as a lock class: acquisitions and waits. There is no hold time: who calls up() need not be who
// called down(). Left out: the interruptible, killable, trylock and timeout forms.
#pragma once

#include "models/locks/spinlock.hpp"
#include "sim/engine/fiber.hpp"
#include "sim/machine/cache_line.hpp"
#include "sim/record/counters.hpp"

#include <boost/intrusive/list.hpp>
#include <cstdint>
#include <memory>
#include <string>

namespace mmsim {

class Core;
class Scheduler;
class Task;

class Semaphore : public Waitable {
 public:
  /// `class_name` is a literal and outlives this; `count` may go on at once.
  Semaphore(SpinLocks& locks, Scheduler& scheduler, const char* class_name, std::uint32_t count);
  Semaphore(const Semaphore&) = delete;
  Semaphore& operator=(const Semaphore&) = delete;

  /// `task` is the running one.
  void down(Task& task);
  /// `core` is the one that runs this code.
  void up(Core& core);

  std::uint32_t count() const { return count_; }
  std::size_t waiters() const { return waiters_.size(); }

  /// "console_sem, count 0, 3 waiters".
  std::string describe() const override;

 private:
  /// On the stack of the task that waits.
  struct Waiter
      : boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
    explicit Waiter(Task& task) : task(task) {}
    Task& task;
    bool up = false;
  };
  void wait(Task& task, Waiter& waiter);

  Scheduler& scheduler_;
  Counters& counters_;
  const char* class_name_;
  LockClassId lock_class_;
  CacheLine line_;
  std::unique_ptr<SpinLock> lock_;
  LockObserver* const observer_;
  std::uint32_t count_;
  boost::intrusive::list<Waiter, boost::intrusive::constant_time_size<false>> waiters_;
  CoreId last_holder_{UINT32_MAX}; // not in the kernel's structure
};

} // namespace mmsim
