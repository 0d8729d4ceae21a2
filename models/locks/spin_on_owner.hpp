// Spinning for a sleeping lock as long as its owner runs: what mutex_spin_on_owner and rwsem_spin_on_owner
// have in common (kernel/locking/mutex.c and rwsem.c, 5.10). The owner's on_cpu is a word of its task_struct,
// written when it is switched in and out (Scheduler); rcu_read_lock() keeps its memory, here a TaskReference.
#pragma once

#include "models/locks/spin_watch.hpp"
#include "models/scheduler/scheduler.hpp"
#include "models/scheduler/task.hpp"

namespace mmsim {

/// owner_on_cpu().
inline bool owner_on_cpu(Core& core, Task& owner) {
  const TaskReference stays(owner);
  core.read(owner.on_cpu.line, Account::lock_spin);
  owner.on_cpu.looked_at = true;
  return owner.on_cpu.value;
}

/// Spins until `changed()`, which looks at the owner word on `line`. Calls `stopped()` and returns if before
/// that `owner` has left its core or this core must reschedule.
template <class Changed, class Stopped>
void spin_while_owner_runs(Core& core, const Scheduler& scheduler, CacheLine& line, Task& owner,
                           Changed changed, Stopped stopped, const Waitable* on) {
  const TaskReference stays(owner);
  spin_on_two_lines(
      core, line, changed, owner.on_cpu.line,
      [&] {
        owner.on_cpu.looked_at = true;
        if (owner.on_cpu.value && !scheduler.need_resched(core)) return false;
        stopped();
        return true;
      },
      owner.on_cpu.watchers, [&] { return scheduler.need_resched(core); }, Account::lock_spin, on);
}

} // namespace mmsim
