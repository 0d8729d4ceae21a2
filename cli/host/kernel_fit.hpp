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

struct KernelFit {
  std::vector<MachineValue> values;
  std::vector<std::string> remarks; ///< where the fitted model still differs from the machine
};

/// The values of kernel_calibrations() that make the model, with `settings` otherwise, take what was measured. What was
/// not measured comes back as not_measured(). Throws as `simulator` does.
KernelFit fit_to(const std::vector<MeasuredOperation>& measured, std::vector<std::string> settings,
                 const Simulator& simulator, const Budget& budget);

/// `fitted` into `values`. Of a known value that it replaces with another one `how` then says what it was.
void replace_with_fitted(std::vector<MachineValue>& values, std::vector<MachineValue> fitted);

} // namespace mmsim::host
