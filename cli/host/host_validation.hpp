// Operations of this machine that calibration did not use, beside what the calibrated model says of them.
#pragma once

#include "cli/host/kernel_workload.hpp"
#include "cli/host/measured_operations.hpp"
#include "cli/host/simulated_workload.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mmsim::host {

enum class HostVerdict {
  ok,         ///< within the bound of the measured median
  miss,       ///< not
  uncounted,  ///< the median itself is not known to within the bound, so that neither can be told
  unmeasured, ///< it could not be measured here
};

struct HostRow {
  KernelOperation operation;
  Measurement measured;
  double simulated_ns = 0;
  double bound = 0.25;     ///< of the relative error
  bool calibrated = false; ///< calibration has used it: shown, and no prediction

  /// simulated / measured - 1; nothing if it could not be measured.
  std::optional<double> error() const;
  /// Half of the 95 % interval of the measured median, as a share of it.
  double uncertainty() const;
  /// Symmetric on purpose: a row that is too uncertain for a miss is too uncertain for an ok as well.
  HostVerdict verdict() const;
  /// Whether it decides the exit status: a prediction, of which the machine's own time is well enough known.
  bool counts() const;
};

/// What is asked of an operation: 0.15 of fork, 0.25 of all others.
double bound_of(const KernelOperation& operation);

/// What a validation compares, in the order of its table: other sizes than calibration's, and a few of calibration's
/// own, so that one sees whether the machine is still what it was.
std::vector<KernelOperation> validation_operations();
/// Their workloads, each once.
std::vector<KernelWorkload> workloads_of(const std::vector<KernelOperation>& operations);

/// Simulates them with `settings` and puts both side by side. Operations that are not in `measured` are left out.
std::vector<HostRow> side_by_side(const std::vector<KernelOperation>& operations,
                                  const std::vector<MeasuredOperation>& measured,
                                  const std::vector<std::string>& settings, const Simulator& simulator);

/// "host-fork": rows of different sizes are one case.
std::string_view case_of(const KernelOperation& operation);

} // namespace mmsim::host
