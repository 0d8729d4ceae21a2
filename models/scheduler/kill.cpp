// SIGKILL as the scheduler sees it: complete_signal() and signal_wake_up() of kernel/signal.c.
#include "models/scheduler/scheduler.hpp"

#include <algorithm>
#include <vector>

namespace mmsim {

void Scheduler::kill(Core& core, const MmStruct& mm) {
  std::vector<std::uint32_t> sleepers;
  CoreSet running;
  for (const auto& [pid, task] : tasks_) {
    if (task->mm != &mm || task->killed) continue;
    task->killed = true;
    if (task->state == Task::State::blocked && task->killable) sleepers.push_back(pid);
    if (task->running_on_core && &task->core() != &core) running.insert(task->core().id());
  }
  std::ranges::sort(sleepers);
  for (const std::uint32_t pid : sleepers) { // each takes time, in which others may end, wake or sleep on
    const auto task = tasks_.find(pid);
    if (task != tasks_.end() && task->second->killable) wake(core, *task->second);
  }
  for (std::uint32_t i = 0; i < machine_.cpus(); ++i) { // kick_process(), one after the other
    if (!running.contains(CoreId(i))) continue;
    core.counters().add(Counter::ipi_requested);
    CoreSet one;
    one.insert(CoreId(i));
    machine_.send_ipi(core, one, Irq::reschedule, Account::schedule);
  }
}

} // namespace mmsim
