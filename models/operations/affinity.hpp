// sched_setaffinity(): a task is bound to a CPU, and goes there if it is elsewhere.
//
//   sched_setaffinity(system, task, task, CoreId(3));   // returns on cpu 3
//
// What it leaves behind is the point: entries of its address space in the old core's TLB, and with ids under
// policies that keep mm_cpumask the old core's bit, so that flushes still go there.
//
// Models sched_setaffinity() -> set_cpus_allowed() of 2.6.24 and __set_cpus_allowed_ptr() of 5.10 with a mask
// of one CPU; what is left out stands at Scheduler::set_cpu_allowed().
#pragma once

#include "models/operations/user.hpp"
#include "models/system.hpp"

namespace mmsim {

/// `task` binds `target`, which may be itself, to cpu `to`. Throws TaskKilled.
void sched_setaffinity(System& system, Task& task, Task& target, CoreId to);

} // namespace mmsim
