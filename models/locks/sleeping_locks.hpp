// What the sleeping locks of a kernel share: the choice of implementations, their switches, and the per-CPU
// nodes of those who spin. The scheduler has it.
//
//   scheduler.sleeping_locks().make_rwsem(front);      // done by RwSemaphore: nobody else has to know
#pragma once

#include "models/locks/osq_lock.hpp"
#include "models/locks/spinlock.hpp"
#include "sim/engine/parameter.hpp"

#include <functional>
#include <memory>
#include <string>

namespace mmsim {

class MutexImplementation;
class RwsemImplementation;
class Scheduler;
struct MutexFront;
struct RwsemFront;

struct SleepingLockParameters {
  std::string rwsem, rwsem_spin, rwsem_trylock, mutex;
  bool rwsem_stealing, mutex_spin;
  Duration rwsem_wait_timeout, rwsem_reader_spin, rwsem_reader_spin_each;
  static void declare(Declaration& d, SleepingLockParameters& p);
};
inline const DeclareParameters<SleepingLockParameters> declared_sleeping_lock_parameters;

class SleepingLocks {
 public:
  /// Throws InputError if kernel.rwsem or kernel.mutex names no implementation.
  SleepingLocks(Machine& machine, SpinLocks& locks, Scheduler& scheduler, const Configuration& configuration);
  SleepingLocks(const SleepingLocks&) = delete;
  SleepingLocks& operator=(const SleepingLocks&) = delete;
  ~SleepingLocks();

  std::unique_ptr<RwsemImplementation> make_rwsem(const RwsemFront& front) const;
  std::unique_ptr<MutexImplementation> make_mutex(const MutexFront& front) const;

  const SleepingLockParameters parameters;
  SpinLocks& spinlocks;
  Scheduler& scheduler;
  OsqNodes osq_nodes;

 private:
  std::function<std::unique_ptr<RwsemImplementation>(const RwsemFront&)> make_rwsem_;
  std::function<std::unique_ptr<MutexImplementation>(const MutexFront&)> make_mutex_;
};

} // namespace mmsim
