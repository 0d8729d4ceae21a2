// How a mutex works inside: the interface behind Mutex. Every implementation is one file that registers
// itself as a value of kernel.mutex.
//
// Timeline: lock() is called settled, by a task that does not hold the mutex, tells `holders` in the instant
// in which the lock word says that the task has it, and returns then; unlock() is called by the holder.
#pragma once

#include "models/locks/lock_holders.hpp"
#include "models/locks/sleeping_locks.hpp"
#include "models/locks/spinlock.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <string_view>

namespace mmsim {

class Task;

/// The mutex that an implementation works for.
struct MutexFront {
  CacheLine& line;
  LockHolders& holders;
  const Waitable& name; ///< for deadlock reports
};

class MutexImplementation {
 public:
  static constexpr std::string_view registry_path = "kernel.mutex";
  using Maker = std::function<std::unique_ptr<MutexImplementation>(const MutexFront&)>;
  /// Called once a kernel: what its mutexes share belongs to the maker.
  using Factory = std::function<Maker(SleepingLocks&)>;

  virtual ~MutexImplementation() = default;

  virtual void lock(Task& task, Instant since) = 0;
  virtual bool try_lock(Task& task) = 0;
  virtual void unlock(Task& task) = 0;
  virtual std::size_t waiters() const = 0;
};

} // namespace mmsim
