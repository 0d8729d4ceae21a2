#include "models/operations/smp_call.hpp"

namespace mmsim {

void smp_call_function(System& system, Core& core, RemoteCall& function) {
  core.preempt_disable();
  CoreSet others = system.machine.online();
  others.erase(core.id());
  system.calls->call(core, others, function);
  core.preempt_enable();
}

} // namespace mmsim
