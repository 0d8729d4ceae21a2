// Who watches the locks: what their public functions tell, in which order.
//
//   if (observer_) observer_->acquiring(core, {this, lock_class_});  // before the first look at the lock
//   ... wait ...
//   if (observer_) observer_->acquired(core, {this, lock_class_});   // it is ours
//   ...
//   if (observer_) observer_->releasing(core, {this, lock_class_});  // before it is given back
//
// Spinning locks and seqcounts belong to the core's present context (its task, or the interrupt handler on
// top of it) and tell of a Core; sleeping locks belong to their task, travel with it and tell of a Task. A
// trylock says acquired() with `tried`, and only if it got the lock. A counting semaphore has no owner: it
// says may_sleep() and nothing else, as in the kernel. Raw forms (raw_write_seqcount_begin()) say nothing.
//
// An observer takes no simulated time and changes nothing. A null observer is "off": one branch.
#pragma once

#include "sim/engine/time.hpp"
#include "sim/record/counters.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace mmsim {

class Core;
class Task;

/// What a lock is asked for.
enum class LockMode : std::uint8_t {
  exclusive, ///< a writer, or the only owner
  shared,    ///< a reader that queues behind writers who wait
  recursive  ///< a reader that waits for writers inside only: seqcounts; queued rwlocks in interrupts
};

/// A lock and how it is asked for.
struct LockRequest {
  const void* lock;
  LockClassId lock_class;
  unsigned subclass = 0; ///< of spin_lock_nested() and its kind
  LockMode mode = LockMode::exclusive;
  bool tried = false; ///< by a trylock: nobody waited
};

/// A lock that is held.
struct HeldLock {
  const void* lock;
  Instant since;
  std::uint16_t node; ///< class and subclass (lock_graph.hpp)
  LockMode mode;
  bool tried, in_interrupt;
};

/// task_struct's held_locks, or those of a core, in the order in which they were taken.
class HeldLocks {
 public:
  static constexpr std::size_t most = 48; // MAX_LOCK_DEPTH
  bool empty() const { return size_ == 0; }
  bool full() const { return size_ == most; }
  std::size_t size() const { return size_; }
  HeldLock& operator[](std::size_t i) { return held_[i]; }
  const HeldLock* begin() const { return held_.data(); }
  const HeldLock* end() const { return held_.data() + size_; }
  void push(const HeldLock& lock) { held_[size_++] = lock; }
  void erase(std::size_t at) {
    for (--size_; at < size_; ++at)
      held_[at] = held_[at + 1];
  }

 private:
  std::array<HeldLock, most> held_;
  std::size_t size_ = 0;
};

/// All of it may throw Violation.
class LockObserver {
 public:
  virtual ~LockObserver() = default;

  /// Spinning locks.
  virtual void acquiring(Core& core, const LockRequest& request) = 0;
  virtual void acquired(Core& core, const LockRequest& request) = 0;
  virtual void releasing(Core& core, const LockRequest& request) = 0;

  /// Sleeping locks. `task` is the running one.
  virtual void acquiring(Task& task, const LockRequest& request) = 0;
  virtual void acquired(Task& task, const LockRequest& request) = 0;
  virtual void releasing(Task& task, const LockRequest& request) = 0;
  /// The writer has become a reader.
  virtual void downgraded(Task& task, const LockRequest& request) = 0;

  /// Seqcounts: a reader begins, not at each retry; a writer has begun, and ends.
  virtual void read_begin(Core& core, const LockRequest& request) = 0;
  virtual void write_begin(Core& core, const LockRequest& request) = 0;
  virtual void write_end(Core& core, const LockRequest& request) = 0;

  /// `what` ("a cross-call", "synchronize_rcu()") begins: it waits until other cores have taken an interrupt
  /// or gone through their scheduler.
  virtual void waits_for_cores(Core& core, const char* what) = 0;
  /// might_sleep(): `what` sleeps, perhaps.
  virtual void may_sleep(Core& core, const char* what) = 0;

  /// From here on `core` runs `task`; what the core holds (its run queue's lock) goes over to it.
  virtual void switched(Core& core, Task& task) = 0;
  /// The running task goes back to user mode; its body has returned.
  virtual void enters_user_mode(Task& task) = 0;
  virtual void ends(Task& task) = 0;
};

} // namespace mmsim
