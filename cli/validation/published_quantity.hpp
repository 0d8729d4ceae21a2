// From a run's result to the quantity that was published.
//
//   mean p50 p90 p99 max     ns, of the latency of the operation
//   per_second               of the operation, on all CPUs together
//   interval                 ns from one operation to the next on one CPU: CPUs / per_second
//   account                  mean ns of the accounts, an operation
//   account_share            %, of the operation's latency
//   counter                  the sum of the counters, over the measured window
//   counter_per_second       divided by the window
//   counter_per_operation    divided by the operations that completed in it
//   counter_share            %, of counters in ns, of the time of all CPUs: CPUs x window
//
// Each times `scale`.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/validation/case.hpp"
#include "sim/record/results.hpp"

namespace mmsim::validation {

/// The quantity of one run on `cpus` CPUs, or nothing if nothing completed that it could be taken from.
/// Throws InputError, with the nearest name, if the run has no such operation. A lock class that the run does
/// not have counts as zero: unknown_counters() says whether none has it.
std::optional<double> value_of(const CaseQuantity& quantity, const PointResult& result, std::int64_t cpus);

/// The counters of lock classes that the run does not have.
std::vector<std::string> unknown_counters(const CaseQuantity& quantity, const PointResult& result);

/// What the values of a point and of its second run make together; nothing where there is no ratio.
std::optional<double> combined(Combine combine, double value, double against);

} // namespace mmsim::validation
