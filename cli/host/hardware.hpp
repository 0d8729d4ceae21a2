// Measuring the hardware of this machine: all trials, interleaved.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/host/budget.hpp"
#include "cli/host/hardware_values.hpp"
#include "cli/host/host_machine.hpp"

namespace mmsim::host {

struct HardwareReport {
  std::vector<MachineValue> values;
  std::vector<Measurement> measured;
  std::vector<std::string> remarks; ///< a line each
};

/// Says what comes next: "pairs of CPUs".
using Announce = std::function<void(const std::string& what)>;

/// Measures within `budget`, but takes a few seconds even if that is shorter. What `machine` says is
/// believed: with one CPU, or where pinning does not work, all that takes two is left out.
HardwareReport measure_hardware(const HostMachine& machine, const DefaultDurations& defaults,
                                const Budget& budget, const Announce& announce);

} // namespace mmsim::host
