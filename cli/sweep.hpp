// All runs of a sweep that are not finished yet, a process each.
#pragma once

#include "cli/point_run.hpp"
#include "cli/run_book.hpp"
#include "cli/sweep_directory.hpp"
#include "cli/sweep_plan.hpp"
#include "sim/record/tables.hpp"

namespace mmsim {

/// The configuration of one run: the point's, with its seed.
Configuration configuration_of(const SweepPlan& plan, const SweepRun& run);

struct SweepOutcome {
  ResultTables tables;                       ///< with a `failed` result for every run that failed
  bool interrupted = false;                  ///< then `tables` is not complete
  std::size_t kept = 0, done = 0, total = 0; ///< runs; `done` includes `kept`; `total` what a rule has added
};

/// With a seed rule a point gets one seed more as long as its finished ones ask for it (seeds_needed.hpp).
/// Throws InputError, after stopping all runs, if one of them finds that its input is wrong.
SweepOutcome run_sweep(const SweepPlan& plan, const SweepDirectory& directory, unsigned processes,
                       const PointRunner& run_point);

} // namespace mmsim
