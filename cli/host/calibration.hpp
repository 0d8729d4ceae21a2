// A calibration from end to end: the hardware, the kernel's operations, and the model's parameters fitted to them.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/host/budget.hpp"
#include "cli/host/hardware.hpp"
#include "cli/host/host_machine.hpp"
#include "cli/host/kernel_workload.hpp"
#include "cli/host/machine_file.hpp"
#include "cli/host/measured_operations.hpp"

namespace mmsim::host {

/// All parameters of [machine] that this program knows.
std::vector<MachineParameter> machine_parameters();

struct CalibratedMachine {
  MachineFile file;                        ///< `command` is left to the caller
  std::vector<MeasuredOperation> measured; ///< of calibration_workloads() and of `beside`
  std::string not_fitted = {};             ///< why the kernel's work is not of this machine; empty: it is
};

/// Measures within `budget`, and then simulates for the fit. The workloads `beside` are measured in the same rounds as
/// calibration's own, and not fitted to: a machine whose speed comes and goes is then the same one for both. `announce`
/// says what comes next, `told` how far the kernel's operations are, from 0 to 1. Throws Interrupted and InputError; what
/// else goes wrong with the fit leaves the values of the hardware.
CalibratedMachine calibrate(const HostMachine& machine, const Budget& budget, const Announce& announce,
                            const std::vector<KernelWorkload>& beside = {},
                            const std::function<void(double)>& told = {});

} // namespace mmsim::host
