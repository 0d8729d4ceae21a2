// A kernel workload in the simulator: the twin of timed_workload.hpp.
#pragma once

#include "cli/host/kernel_workload.hpp"

#include <exception>
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

/// ns of each of operations_of(), of each simulation: of faults the mean, since a sample of the machine is that of a
/// pass, and of mprotect, whose samples are the mean of taking and giving; of all others the median, as of the machine.
using SimulatedTimes = std::vector<std::vector<double>>;

/// The user asked to stop.
struct Interrupted : std::exception {
  const char* what() const noexcept override { return "interrupted"; }
};

/// Runs them, each in a process of its own, two at a time where there are two CPUs. Throws InputError for settings that
/// are wrong, Interrupted, and std::runtime_error if a run fails or measures nothing.
SimulatedTimes simulate(const std::vector<SimulatedWorkload>& simulations);

/// simulate() or what a test puts in its place.
using Simulator = std::function<SimulatedTimes(const std::vector<SimulatedWorkload>&)>;

} // namespace mmsim::host
