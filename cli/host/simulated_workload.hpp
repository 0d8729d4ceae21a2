// A kernel workload in the simulator: the twin of timed_workload.hpp.
#pragma once

#include "cli/host/kernel_workload.hpp"

#include <functional>
#include <string>
#include <vector>

namespace mmsim::host {

/// One simulation: a workload on a machine.
struct SimulatedWorkload {
  KernelWorkload workload;
  /// "machine.work.mmap=450 ns", "kernel.base=host-x86", ...; the workload's own settings come after these.
  std::vector<std::string> settings;
};

/// What `mmsim run` would take after --set for the workload alone: scenario.* and run.*.
std::vector<std::string> settings_of(const KernelWorkload& workload);

/// Mean ns of each of operations_of(), of each simulation.
using MeanTimes = std::vector<std::vector<double>>;

/// Runs them, each in a process of its own, two at a time where there are two CPUs. Throws InputError for settings that
/// are wrong, std::runtime_error if a run fails or measures nothing.
MeanTimes simulate(const std::vector<SimulatedWorkload>& simulations);

/// simulate() or what a test puts in its place.
using Simulator = std::function<MeanTimes(const std::vector<SimulatedWorkload>&)>;

} // namespace mmsim::host
