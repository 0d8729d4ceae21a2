// Kernel operations of this machine, each measured in many short rounds.
#pragma once

#include "cli/host/budget.hpp"
#include "cli/host/host_machine.hpp"
#include "cli/host/kernel_workload.hpp"
#include "cli/host/measurement.hpp"
#include "cli/host/timed_workload.hpp"

#include <functional>
#include <vector>

namespace mmsim::host {

struct MeasuredOperation {
  KernelOperation operation;
  /// Over rounds: each gives the median of its samples, `median` is the median of those, with its 95 % interval, and
  /// `spread` their interquartile range over it. No repetitions: it could not be measured, and `how` says why.
  Measurement measured;
};

/// One round; a test puts its own in the place of timed_workload().
using TimedWorkload = std::function<WorkloadRound(const KernelWorkload&, double seconds)>;

/// Rounds of all workloads in turn, so that a neighbour's bad moment meets all of them, until the budget is over: at
/// least `fewest_rounds`, at most `most_rounds`. `told` is called before each round with a share of 0 to 1.
inline constexpr unsigned fewest_rounds = 7, most_rounds = 45;
std::vector<MeasuredOperation> measure_rounds(const std::vector<KernelWorkload>& workloads,
                                              const Budget& budget, const TimedWorkload& timed,
                                              const std::function<void(double)>& told = {});

/// The same on this machine: on its first allowed CPU, the second thread on another one.
std::vector<MeasuredOperation> measure_on(const HostMachine& machine,
                                          const std::vector<KernelWorkload>& workloads, const Budget& budget,
                                          const std::function<void(double)>& told = {});

/// Null if it is not among them, or was not measured.
const MeasuredOperation* find_measured(const std::vector<MeasuredOperation>& all,
                                       const KernelOperation& operation);

} // namespace mmsim::host
