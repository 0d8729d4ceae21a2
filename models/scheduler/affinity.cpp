// Binding a task to a CPU: set_cpus_allowed() of kernel/sched.c (2.6.24), __set_cpus_allowed_ptr() of
// kernel/sched/core.c (5.10).
#include "models/scheduler/scheduler.hpp"

namespace mmsim {

void Scheduler::set_cpu_allowed(Core& core, Task& task, CoreId to) {
  const std::uint32_t pid = task.pid;
  Core& destination = machine_.core(to);
  core.settle();
  while (tasks_.contains(pid)) { // task_rq_lock()
    Core& source = task.core();
    RunQueue& queue = queue_of(source);
    queue.lock->lock_irqsave(core);
    if (!tasks_.contains(pid) || &task.core() != &source) {
      queue.lock->unlock_irqrestore(core);
      continue;
    }
    task.bound = true;
    const bool elsewhere = &source != &destination;
    const bool runs = elsewhere && task.running_on_core, waits = elsewhere && task.on_queue;
    task.leaves_for = runs ? &destination : nullptr;
    if (runs) queue.need_resched = true;
    if (waits) { // move_queued_task()
      core.charge(core.costs().work.dequeue, Account::schedule, scheduler_work);
      core.settle();
      queue.tasks.erase(queue.tasks.iterator_to(task));
      task.on_queue = false;
    }
    if (elsewhere && !runs) set_task_cpu(core, task, destination);
    queue.lock->unlock_irqrestore(core);
    if (waits) enqueue_and_kick(core, task);
    if (runs && &source != &core) {
      core.counters().add(Counter::ipi_requested);
      CoreSet one;
      one.insert(source.id());
      machine_.send_ipi(core, one, Irq::reschedule, Account::schedule);
    }
    return;
  }
}

} // namespace mmsim
