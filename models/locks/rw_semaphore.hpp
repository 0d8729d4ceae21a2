// rw_semaphore: many readers or one writer, who sleep while they wait. mmap_lock is one.
//
//   sem.down_write(task);   // waits until nobody else is inside; `task.core()` may be another one afterwards
//   ...
//   sem.up_write(task);
//
// This is what all kernels have in common: the calls, and who is inside. How it works is an implementation,
// which kernel.rwsem chooses:
//   rwsem_fifo.cpp      2.6.24: strictly first in, first out
//   rwsem_handoff.cpp   5.10: writers that steal the lock, spinning while the owner runs, hand-off
//
// Left out: the killable and interruptible forms, a writer's trylock; release by a task that has not
// acquired.
#pragma once

#include "models/locks/lock_holders.hpp"
#include "models/locks/spinlock.hpp"
#include "sim/engine/fiber.hpp"
#include "sim/machine/cache_line.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace mmsim {

class LockObserver;
class RwsemImplementation;
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
  /// True if the task has it now; never waits for a holder.
  [[nodiscard]] bool down_read_trylock(Task& task);
  void up_read(Task& task);
  void down_write(Task& task) { down_write_nested(task, 0); }
  /// Taken with another semaphore of its class held, in an order that somebody sees to.
  void down_write_nested(Task& task, unsigned subclass);
  void up_write(Task& task);
  /// The writer becomes a reader; waiting readers join it.
  void downgrade_write(Task& task);

  std::uint64_t readers() const { return holders_.sharing(); }
  bool held_for_writing() const { return holders_.exclusive(); }
  bool held_for_writing_by(const Task& task) const { return holders_.exclusively(task); }
  std::size_t waiters() const;
  const CacheLine& line() const { return line_; }
  CacheLine& line() { return line_; }

  /// "mmap_lock, held for writing by task 7 (munmap), 3 waiters".
  std::string describe() const override;

 private:
  void check_asks(const Task& task) const;
  void check_has(const Task& task, LockHolders::Kind kind) const;

  std::unique_ptr<CacheLine> own_line_;
  CacheLine& line_;
  LockHolders holders_;
  std::unique_ptr<RwsemImplementation> implementation_;
  LockObserver* const observer_;
};

} // namespace mmsim
