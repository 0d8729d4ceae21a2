// Kernel operations of this machine (fork, exit, faults, munmap, mprotect), fitted to the model's work.*.
#pragma once

#include <vector>

#include "cli/host/budget.hpp"
#include "cli/host/host_machine.hpp"
#include "cli/host/machine_value.hpp"

namespace mmsim::host {

/// Measures within `budget` and fits. `hardware` is what has been measured already; where the fit finds better
/// values for one of its paths, the result has it too, and replaces it. What cannot be measured comes back as
/// not_measured().
std::vector<MachineValue> fit_kernel_operations(const HostMachine& machine,
                                                const std::vector<MachineValue>& hardware, Budget budget);

} // namespace mmsim::host
