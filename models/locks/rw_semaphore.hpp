// rw_semaphore: many readers or one writer, who sleep while they wait. mmap_lock is one.
//
//   sem.down_write(task);   // sleeps until nobody else is inside; `task.core()` may be another one
//   afterwards
//   ...
//   sem.up_write(task);     // the head of the queue is inside before it wakes up
//
// Models lib/rwsem.c of 2.6.24 (down_read_failed, down_write_failed, __rwsem_do_wake) with the fast paths of
// asm-generic rwsem: one count that is added to atomically (its low half counts who is inside, each writer
// and each waiter subtracts one from its high half), and a first-in first-out list of waiters under
// wait_lock. Who leaves hands the lock on: to the writer at the head of the list, or to all readers at its
// head up to the next writer. Count and wait_lock share a cache line, as they do in struct rw_semaphore.
//
// Left out: what later kernels add for throughput: writers that take the lock ahead of the queue
// (3.10), waiters that spin while the owner runs (3.16), the hand-off that bounds both (4.8, rewritten
// in 5.3). Arm selected the variant of 2.6.24 that does all counting under wait_lock (lib/rwsem-spinlock.c);
// hand-over and order are the same.
#pragma once

#include "models/locks/spinlock.hpp"
#include "sim/engine/fiber.hpp"
#include "sim/engine/time.hpp"
#include "sim/machine/cache_line.hpp"
#include "sim/record/account.hpp"
#include "sim/record/counters.hpp"

#include <boost/intrusive/list.hpp>
#include <cstdint>
#include <memory>
#include <string>

namespace mmsim {

class Core;
class Scheduler;
class Task;

class RwSemaphore : public Waitable {
 public:
  /// `class_name` is a literal and outlives this. With `shared_line` the semaphore stands on the line of the
  /// structure around it.
  RwSemaphore(SpinLocks& locks, Scheduler& scheduler, const char* class_name,
              CacheLine* shared_line = nullptr);
  ~RwSemaphore() override;
  RwSemaphore(const RwSemaphore&) = delete;
  RwSemaphore& operator=(const RwSemaphore&) = delete;

  /// `task` is the running one. The down_ functions may sleep. Throw Violation where a writer asks for what
  /// it has, and for giving back what is not held.
  void down_read(Task& task);
  void up_read(Task& task);
  void down_write(Task& task) { down_write_nested(task, 0); }
  /// Taken with another semaphore of its class held, in an order that somebody sees to.
  void down_write_nested(Task& task, unsigned subclass);
  void up_write(Task& task);
  /// The writer becomes a reader; readers at the head of the queue join it.
  void downgrade_write(Task& task);

  std::uint64_t readers() const { return readers_; }
  bool held_for_writing() const { return writer_ != nullptr; }
  bool held_for_writing_by(const Task& task) const { return writer_ == &task; }
  std::size_t waiters() const { return waiters_.size(); }
  const CacheLine& line() const { return line_; }

  /// "mmap_lock, held for writing by task 7 (munmap), 3 waiters".
  std::string describe() const override;

 private:
  /// On the stack of the task that waits, until it is granted the lock.
  struct Waiter
      : boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
    Waiter(Task& task, bool writes, Instant since) : task(task), writes(writes), since(since) {}
    Task& task;
    const bool writes;
    const Instant since;
    bool granted = false;
  };
  using Waiters = boost::intrusive::list<Waiter, boost::intrusive::constant_time_size<false>>;

  std::int64_t update(Core& core, std::int64_t change, Account account);
  void down(Task& task, bool writes);
  void wait(Task& task, Waiter& waiter);
  void wake(Task& self, bool downgrading);
  void wake_head(Task& self, bool downgrading, Account account);
  void grant(Task& self, Waiter& waiter);
  void enter(Task& task, bool writes, bool contended, Instant since);
  void leave(Task& task, bool writes);
  void check_inside(const Task& task, bool writes) const;
  void accrue_hold(Instant until);

  Scheduler& scheduler_;
  Counters& counters_;
  std::unique_ptr<CacheLine> own_line_;
  CacheLine& line_;
  std::unique_ptr<SpinLock> wait_lock_;
  const char* class_name_;
  LockClassId lock_class_;
  LockObserver* const observer_;
  std::int64_t count_ = 0;
  Waiters waiters_;
  // Not in the kernel's structure: who is inside, for reports and checks.
  const Task* writer_ = nullptr;
  std::uint64_t readers_ = 0;
  Instant hold_accrued_until_{};
};

} // namespace mmsim
