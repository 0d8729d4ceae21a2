// Interrupts and context switches: what is left of a measured path when the steps that the model counts
// apart are taken off.
#pragma once

#include <vector>

#include "cli/host/hardware_values.hpp"

namespace mmsim::host {

/// machine.ipi.send, ipi.deliver, irq.entry, irq.exit. Needs line.transfer and the like among `values`.
void add_interrupt_values(const HostMachine& machine, const Measurements& measured,
                          const DefaultDurations& defaults, std::vector<MachineValue>& values);

/// machine.entry.switch_*, idle.exit, and work.wake, work.enqueue, work.dequeue, work.pick_next. Needs the
/// above.
void add_switch_values(const HostMachine& machine, const Measurements& measured,
                       const DefaultDurations& defaults, std::vector<MachineValue>& values);

} // namespace mmsim::host
