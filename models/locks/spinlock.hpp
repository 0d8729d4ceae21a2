// Spinlocks: the interface and the factory. Every implementation is one file that registers itself.
//
//   SpinLocks locks(machine, configuration);                 // kernel.spinlock chooses, once
//   std::unique_ptr<SpinLock> lock = locks.make("rq_lock");  // "rq_lock" is the class: lock_acquired.rq_lock
//
//   lock->lock(core);                    // returns at the instant at which the lock is ours
//   core.charge(..., Account::work);     // the critical section
//   lock->unlock(core);                  // the next owner can see it as soon as the lock's line reaches him
//
// lock() and unlock() run on the core's fiber, which stays on this core in between: the kernel modelled here
// does not preempt, and nobody sleeps with a spinlock held. A waiter spins with interrupts as its caller left
// them.
//
// What an acquisition costs is what its accesses to cache lines cost: there is no formula for a lock. The
// first access of the uncontended path is booked as `coherence` (or `work`, where the line is at hand),
// everything after it that only waiting makes necessary as `lock_spin`.
#pragma once

#include "models/locks/lock_observer.hpp"
#include "sim/engine/configuration.hpp"
#include "sim/engine/fiber.hpp"
#include "sim/engine/parameter.hpp"
#include "sim/engine/registry.hpp"
#include "sim/engine/strong_int.hpp"
#include "sim/engine/time.hpp"
#include "sim/machine/cache_line.hpp"
#include "sim/record/counters.hpp"

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace mmsim {

class Core;
class Machine;

class SpinLock : public Waitable {
 public:
  static constexpr std::string_view registry_path = "kernel.spinlock";
  /// What all implementations need to make a lock.
  struct Identity {
    const char* class_name;
    LockClassId lock_class;
    CacheLine* shared_line;           ///< null: the lock has a line of its own
    LockObserver* observer = nullptr; ///< null: nobody watches
    bool counted = true;              ///< false: it has no lock class
  };
  using Maker = std::function<std::unique_ptr<SpinLock>(const Identity&)>;
  /// Called once a machine: what the locks of an implementation share (the MCS nodes of each CPU) belongs to
  /// the maker.
  using Factory = std::function<Maker(Machine&)>;

  explicit SpinLock(const Identity& identity);
  SpinLock(const SpinLock&) = delete;
  SpinLock& operator=(const SpinLock&) = delete;

  /// spin_lock(). Throws Violation if this core holds the lock.
  void lock(Core& core) { lock_nested(core, 0); }
  /// spin_lock_nested(): taken with another lock of its class held, in an order that somebody sees to.
  void lock_nested(Core& core, unsigned subclass);
  /// spin_trylock(): true if the lock is this core's now; nobody waits.
  [[nodiscard]] bool trylock(Core& core);
  /// spin_unlock(). Throws Violation if this core does not hold the lock.
  void unlock(Core& core);
  /// spin_lock_irqsave() and spin_lock_irq(): waits with interrupts off. The core counts nested calls, so
  /// there are no flags to hand back.
  void lock_irqsave(Core& core);
  void unlock_irqrestore(Core& core);

  bool held() const { return holder_ != nobody; }
  bool held_by(CoreId core) const { return holder_ == core; }
  /// The line that the lock word is on.
  const CacheLine& line() const { return line_; }

  /// "rq_lock, held by cpu 3".
  std::string describe() const override;

 protected:
  /// Takes the lock: returns once the word is this core's, and says whether it was found taken. All is
  /// settled before.
  virtual bool acquire(Core& core) = 0;
  /// Takes the lock if it is free. All is settled before.
  virtual bool try_acquire(Core& core) = 0;
  /// Gives the lock back: returns in the instant at which the word changes, before anybody else can run.
  virtual void release(Core& core) = 0;

  CacheLine& line() { return line_; }

 private:
  static constexpr CoreId nobody{UINT32_MAX};
  /// What `core` waits for inside it waits for this class of locks.
  WaitFor waiting(Core& core) const;

  std::unique_ptr<CacheLine> own_line_;
  CacheLine& line_;
  const char* class_name_;
  LockClassId lock_class_;
  LockObserver* const observer_;
  const bool counted_;
  CoreId holder_ = nobody, last_holder_ = nobody;
  Instant acquired_at_{};
};

struct SpinLockParameters {
  std::string implementation;
  static void declare(Declaration& d, SpinLockParameters& p) {
    d("kernel.spinlock", p.implementation, "queued", "how spinlocks work").registered<SpinLock>();
  }
};
inline const DeclareParameters<SpinLockParameters> declared_spinlock_parameters;

/// Makes the spinlocks of a kernel. Must outlive them.
class SpinLocks {
 public:
  /// Throws InputError if kernel.spinlock names no implementation.
  SpinLocks(Machine& machine, const Configuration& configuration);
  ~SpinLocks();

  /// A lock of class `class_name` (a literal, or at least a text that outlives the lock). With `shared_line`
  /// its word stands on the line of the structure that it protects, which must outlive it; else on one of its
  /// own.
  std::unique_ptr<SpinLock> make(const char* class_name, CacheLine* shared_line = nullptr);

  /// arch_spin_lock() itself, for locks that are made of it: neither lockdep nor lock statistics see it. Its
  /// `name` is for reports.
  std::unique_ptr<SpinLock> make_raw(const char* name, CacheLine* shared_line = nullptr);

  /// Where the locks count.
  Counters& counters() { return counters_; }
  /// Whom all locks of this kernel tell what they do: lockdep, or null.
  LockObserver* observer() { return observer_.get(); }

 private:
  Counters& counters_;
  std::unique_ptr<LockObserver> observer_;
  SpinLock::Maker maker_;
};

} // namespace mmsim
