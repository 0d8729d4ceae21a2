// Running a function on all other CPUs.
//
//   smp_call_function(system, task.core(), function);   // returns when all have run it
//
// Models smp_call_function() of kernel/smp.c with wait = 1, 5.10: preemption is off around it; how the others
// are told is kernel.cross_call's business (models/scheduler/cross_call.hpp).
#pragma once

#include "models/scheduler/cross_call.hpp"
#include "models/system.hpp"

namespace mmsim {

/// With irqs on.
void smp_call_function(System& system, Core& core, RemoteCall& function);

} // namespace mmsim
