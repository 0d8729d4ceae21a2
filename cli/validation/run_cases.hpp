// Runs all cases, a process a run.
#pragma once

#include <cstdint>
#include <vector>

#include "cli/point_run.hpp"
#include "cli/validation/case_runs.hpp"

namespace mmsim::validation {

struct RunTotals {
  bool interrupted = false; ///< then answers are not complete
  std::size_t runs = 0, done = 0;
  std::uint64_t events = 0;
  double host_seconds = 0; ///< sum over runs
};

/// `processes` at a time, with a progress line. A run that fails leaves its points without an answer, and the
/// rest goes on. Throws InputError, after stopping all, if a run finds that its input is wrong.
RunTotals run_cases(const std::vector<CaseRun>& runs, CaseAnswers& answers, unsigned processes,
                    const PointRunner& run_point);

} // namespace mmsim::validation
