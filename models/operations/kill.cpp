#include "models/operations/kill.hpp"

#include "models/operations/process.hpp"

#include <stdexcept>
#include <utility>

namespace mmsim {

bool killed_in(Task& task, const std::function<void(Task&)>& body) {
  try {
    body(task);
    return false;
  } catch (const TaskKilled&) {
    return true;
  }
}

void abort_process(System& system, Task& task) {
  system.scheduler.kill(task.core(), *task.mm);
  end_if_killed(system, task);
  throw std::logic_error("a killed task goes on");
}

bool finish_killed(System& system, Task& task, const std::function<void(Task&)>& body) {
  if (!killed_in(task, body)) return false;
  task.fiber->operation = nullptr; // what was under way never ends
  if (task.mm != nullptr) exit_task(system, task);
  return true;
}

std::function<void(Task&)> task_of_boot(System& system, std::function<void(Task&)> body) {
  return [&system, body = std::move(body)](Task& task) {
    if (finish_killed(system, task, body) && system.task_killed) system.task_killed(task);
  };
}

} // namespace mmsim
