// From measured kernel operations (fork, exit, faults, munmap, mprotect) to the model's work.*: values of a machine file.
#pragma once

#include "cli/host/machine_value.hpp"
#include "cli/host/measured_operations.hpp"
#include "cli/host/simulated_workload.hpp"

#include <optional>
#include <string>
#include <vector>

namespace mmsim::host {

/// What `mmsim run` would take after --set for this machine: its kernel, and the values that are known.
std::vector<std::string> settings_of(const HostMachine& machine, const std::vector<MachineValue>& values);

/// machine.cache.size, from the size at which demand-zero faults get slower; nothing if they do not.
std::optional<MachineValue> cache_from_faults(const std::vector<MeasuredOperation>& measured);

/// The values of kernel_calibrations() that make the model, with `settings` otherwise, take what was measured. What was
/// not measured comes back as not_measured().
std::vector<MachineValue> fit_to(const std::vector<MeasuredOperation>& measured,
                                 std::vector<std::string> settings, const Simulator& simulator);

} // namespace mmsim::host
