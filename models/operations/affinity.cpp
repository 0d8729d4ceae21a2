#include "models/operations/affinity.hpp"

namespace mmsim {

void sched_setaffinity(System& system, Task& task, Task& target, CoreId to) {
  Core& core = task.core();
  core.charge(core.costs().entry.syscall, Account::entry);
  system.scheduler.set_cpu_allowed(core, target, to);
  if (&target == &task && task.leaves_for != nullptr) system.scheduler.yield(task);
  return_to_user_mode(system, task);
}

} // namespace mmsim
