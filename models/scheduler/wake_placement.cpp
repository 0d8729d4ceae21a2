// Where a task that is woken goes: select_task_rq_fair() -> select_idle_sibling() of kernel/sched/fair.c, 5.10.
//
// With kernel.wake_placement = "idle" a task that is bound to no core goes back to the core that it ran on last if
// that one is idle, else to the first idle one of its die, looked for from there on upwards and round
// (for_each_cpu_wrap() over the cores that share the last-level cache). A look at a core is a read of a line of its run
// queue, which it must take back before its next store there. If nobody is idle the task waits where it was. A task
// that has not left its core yet goes back there without a look (ttwu_queue_wakelist() of a task that is on_cpu).
//
// Left out: wake_affine(), by which the waker's core may take the previous one's place, and with it the waker's
// promise to sleep soon (WF_SYNC); recent_used_cpu; select_idle_core() and select_idle_smt(), since no core here has
// threads; the bound on how many cores are looked at (SIS_PROP: a share of avg_idle, at least 4); p->pi_lock. 2.6.24
// has wake_idle(), which looks in all domains with SD_WAKE_IDLE: the same but for the width.
#include "models/scheduler/scheduler.hpp"

#include <utility>

namespace mmsim {

bool Scheduler::available_idle_cpu(Core& core, CoreId cpu) {
  RunQueue& queue = *queues_[cpu.value()];
  core.read(queue.idle_line, Account::schedule);
  queue.looked_at = true;
  return queue.current == queue.idle && queue.tasks.empty();
}

CoreId Scheduler::select_idle_sibling(Core& core, CoreId target) {
  const Topology& topology = machine_.topology();
  const auto die_of = [&](CoreId cpu) { return topology.die_of(topology.place(cpu)); };
  if (available_idle_cpu(core, target)) return target;
  for (std::uint32_t i = 1; i < machine_.cpus(); ++i) { // select_idle_cpu()
    const CoreId cpu((target.value() + i) % machine_.cpus());
    if (die_of(cpu) == die_of(target) && available_idle_cpu(core, cpu)) return cpu;
  }
  return target;
}

// `task` is on no queue, and nobody else wakes it: its state is `running` by now.
void Scheduler::place_woken(Core& core, Task& task) {
  if (parameters_.wake_placement != "idle" || task.bound || task.on_cpu.value) return;
  const CoreId chosen = select_idle_sibling(core, task.core().id());
  if (!task.bound)
    set_task_cpu(core, task, machine_.core(chosen)); // somebody may have bound it while we looked
}

// Whether `queue` is idle is about to change.
void Scheduler::idle_changes(Core& core, RunQueue& queue) {
  if (std::exchange(queue.looked_at, false)) core.write(queue.idle_line, Account::schedule);
}

} // namespace mmsim
