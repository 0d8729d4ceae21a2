// The queue of those who spin for a sleeping lock: only its head looks at the lock itself.
//
//   if (osq.lock(core)) {        // false: this core was to reschedule before its turn came
//     ...                        // spin on the owner, try to take the lock
//     osq.unlock(core);
//   }
//
// Models optimistic_spin_queue of kernel/locking/osq_lock.c, 5.10 (osq_lock, osq_wait_next, osq_unlock): an
// MCS queue of one node a CPU whose waiters may leave the middle. The tail stands on the line of the lock
// that it belongs to, each node on a line of its CPU. Called with preemption off; a core spins for one lock
// at a time.
//
// Left out: vcpu_is_preempted(), and that WFE wakes up for other events.
#pragma once

#include "models/locks/spin_watch.hpp"
#include "sim/machine/cache_line.hpp"

#include <cstdint>
#include <deque>

namespace mmsim {

class Core;
class Scheduler;

/// optimistic_spin_node of one CPU.
struct OsqNode {
  CacheLine line{"the osq node of a cpu"};
  SpinWatchers watchers; ///< of `next`
  OsqNode* next = nullptr;
  OsqNode* previous = nullptr;
  bool locked = false;
};
using OsqNodes = std::deque<OsqNode>; // by CPU; a cache line has an address

class OsqLock {
 public:
  /// `line` is that of the structure around it; `lock` is named in deadlock reports.
  OsqLock(CacheLine& line, OsqNodes& nodes, const Scheduler& scheduler, const Waitable& lock)
      : line_(line), nodes_(nodes), scheduler_(scheduler), lock_(lock) {}

  /// Waits for its turn. False if need_resched() was set meanwhile: then it has left the queue.
  bool lock(Core& core);
  void unlock(Core& core);
  bool is_locked() const { return tail_ != nullptr; }

 private:
  bool leave(Core& core, OsqNode& node, OsqNode* previous);
  OsqNode* wait_next(Core& core, OsqNode& node, OsqNode* new_tail);
  OsqNode* take_next(Core& core, OsqNode& node);
  void pass_to(Core& core, OsqNode& next);

  CacheLine& line_;
  OsqNodes& nodes_;
  const Scheduler& scheduler_;
  const Waitable& lock_;
  OsqNode* tail_ = nullptr;
  SpinWatchers tail_watchers_;
};

} // namespace mmsim
