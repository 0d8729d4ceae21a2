// machine.line.* and machine.interconnect.*, from pairs of CPUs.
#pragma once

#include <vector>

#include "cli/host/hardware_values.hpp"

namespace mmsim::host {

void add_line_values(const HostMachine& machine, const Measurements& measured,
                     const DefaultDurations& defaults, std::vector<MachineValue>& values);

} // namespace mmsim::host
