// How an rw_semaphore works inside: the interface behind RwSemaphore. Every implementation is one file that
// registers itself as a value of kernel.rwsem.
//
// Timeline: down_read() and down_write() are called settled, with who is allowed to ask already checked; they
// tell `holders` in the instant in which the lock word says that a task is in, whoever has changed it, and
// return once `task` is inside. up_read(), up_write() and downgrade_write() are called by a holder, and tell
// `holders` in the instant in which the word changes.
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

/// The semaphore that an implementation works for.
struct RwsemFront {
  CacheLine& line;
  LockHolders& holders;
  const Waitable& name; ///< for deadlock reports
};

class RwsemImplementation {
 public:
  static constexpr std::string_view registry_path = "kernel.rwsem";
  using Maker = std::function<std::unique_ptr<RwsemImplementation>(const RwsemFront&)>;
  /// Called once a kernel: what its semaphores share belongs to the maker.
  using Factory = std::function<Maker(SleepingLocks&)>;

  virtual ~RwsemImplementation() = default;

  virtual void down_read(Task& task, Instant since) = 0;
  virtual bool down_read_trylock(Task& task) = 0;
  virtual void up_read(Task& task) = 0;
  virtual void down_write(Task& task, Instant since) = 0;
  virtual void up_write(Task& task) = 0;
  virtual void downgrade_write(Task& task) = 0;
  virtual std::size_t waiters() const = 0;
};

} // namespace mmsim
