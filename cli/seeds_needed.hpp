// Has a point seeds enough? (sweep.ci, sweep_settings.hpp)
#pragma once

#include <optional>
#include <span>
#include <string>

#include "cli/sweep_plan.hpp"
#include "sim/record/tables.hpp"

namespace mmsim {

/// How well the mean latencies of a point are known: by the operation that is known worst.
struct ReachedInterval {
  std::string operation;          ///< empty: none completed
  std::optional<double> relative; ///< ci95_ns / mean_ns as latency.csv has them; nothing: cannot be told
  bool within(double bound) const { return relative && *relative <= bound; }
};

/// Of the operations that the rule names and the point has, or of all that completed. Throws InputError if
/// the point has none of those that the rule names.
ReachedInterval reached_interval(const SeedRule& rule, std::span<const PointResult> seeds);

/// Whether the point's next seed is to run. `seeds` are its finished runs, at least plan.seeds of them: what
/// runs depends on results alone, never on who was first. A point with a run that failed gets no more.
bool needs_another_seed(const SeedRule& rule, std::span<const PointResult> seeds);

/// One line on the points that stopped at max_seeds with a wider interval; nothing if all reached the bound.
std::optional<std::string> unreached_warning(const SweepPlan& plan, const ResultTables& tables);

} // namespace mmsim
