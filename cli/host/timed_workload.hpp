// A kernel workload on this machine, timed.
#pragma once

#include "cli/host/kernel_workload.hpp"

#include <cstddef>
#include <vector>

namespace mmsim::host {

/// What one pass took, in ns; of faults the mean over its pages.
struct TimedSample {
  double ns;
  bool quiet; ///< nobody shared the core before and after (quiet_core.hpp), or took it away between
};

/// One round of a workload in a process of its own.
struct WorkloadRound {
  std::vector<std::vector<TimedSample>> samples; ///< by operation, as operations_of() has them
};

/// Runs it for about `seconds` after two warming passes, in a child that is pinned to `cpu`, its second thread to
/// `partner`. At least three passes, at most a thousand. Empty samples if the child could not do it (no memory, no
/// second CPU).
WorkloadRound timed_workload(const KernelWorkload& workload, int cpu, int partner, double seconds);

} // namespace mmsim::host
