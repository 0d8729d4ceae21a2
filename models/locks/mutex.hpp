// mutex: one task at a time; the others sleep, or spin while the owner runs.
//
//   Mutex mutex(locks, scheduler, "dup_mmap_sem");
//   mutex.lock(task);       // may sleep: `task.core()` may be another one afterwards
//   ...
//   mutex.unlock(task);     // by the task that has locked it
//
// This is what all kernels have in common: the calls, and who is inside. How it works is an implementation,
// which kernel.mutex chooses:
//   mutex_count.cpp   2.6.24: a count and a queue
//   mutex_owner.cpp   5.10: an owner word, spinning on a running owner, hand-off to the first of the queue
//
// Left out: the interruptible, killable, nested and wound/wait forms.
#pragma once

#include "models/locks/lock_holders.hpp"
#include "models/locks/spinlock.hpp"
#include "sim/engine/fiber.hpp"
#include "sim/machine/cache_line.hpp"

#include <memory>
#include <string>

namespace mmsim {

class LockObserver;
class MutexImplementation;
class Scheduler;
class Task;

class Mutex : public Waitable {
 public:
  /// `class_name` is a literal and outlives this. With `shared_line` the mutex stands on the line of the
  /// structure around it.
  Mutex(SpinLocks& locks, Scheduler& scheduler, const char* class_name, CacheLine* shared_line = nullptr);
  ~Mutex() override;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  /// mutex_lock(). Throws Violation if `task`, which is the running one, has it.
  void lock(Task& task);
  /// mutex_trylock(): true if `task` has it now.
  bool try_lock(Task& task);
  /// mutex_unlock(). Throws Violation if `task` does not have it.
  void unlock(Task& task);

  bool held() const { return holders_.exclusive(); }
  bool held_by(const Task& task) const { return holders_.exclusively(task); }
  std::size_t waiters() const;
  const CacheLine& line() const { return line_; }

  /// "slab_mutex, held by task 7 (fork), 3 waiters".
  std::string describe() const override;

 private:
  std::unique_ptr<CacheLine> own_line_;
  CacheLine& line_;
  LockHolders holders_;
  std::unique_ptr<MutexImplementation> implementation_;
  LockObserver* const observer_;
};

} // namespace mmsim
