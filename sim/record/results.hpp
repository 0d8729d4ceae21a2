#pragma once
// The results of one run (one point of a sweep, one seed) as plain data, and of a point with all its seeds.
//
// A PointResult crosses from the process that ran it to the one that writes tables as JSON, with integers
// wherever something is counted or summed: nothing is lost on the way, whatever -j.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/engine/time.hpp"
#include "sim/record/counters.hpp"
#include "sim/record/ipi_matrix.hpp"
#include "sim/record/operations.hpp"

namespace mmsim {

/// How a run ended: exit status 0, 1 and 3 of the command.
enum class PointStatus : std::uint8_t { done, violation, failed };

/// The word in point.csv.
std::string_view name(PointStatus status);

struct PointResult {
  std::uint64_t seed = 0;
  PointStatus status = PointStatus::done;
  std::string message;  ///< what was violated or failed; empty when done
  Duration simulated{}; ///< the whole run, with warm-up and drain
  Duration measured{};  ///< the measured window
  std::uint64_t events = 0;
  double host_seconds = 0; ///< the only member that the host decides
  std::vector<std::string> warnings;
  std::vector<OperationResult> operations;
  Counters::Snapshot counters;  ///< over the measured window
  Counters::Snapshot whole_run; ///< to the end of the drain
  IpiCounts ipis;               ///< over the measured window; they sum to its ipi_sent
  bool operator==(const PointResult&) const = default;
};

/// One line of JSON, keys in a fixed order.
std::string to_json(const PointResult& result);
/// The inverse. Throws std::invalid_argument, saying what is wrong, on anything that to_json() does not
/// write, and where sums that must agree do not.
PointResult point_result_from_json(std::string_view json);

/// Throws std::invalid_argument if the waits of a waiting account do not sum to the account, or are of an
/// account that is not waiting.
void check_waits(const OperationResult& operation);

/// An operation over all seeds of a point.
struct MergedOperation {
  std::string name;
  std::uint64_t completed = 0;
  Histogram latency;
  std::vector<BatchMeans> batches; ///< one a seed, in the order of seeds
  AccountTotals accounts{};
  /// In the order of accounts, kinds and names ("cpu 2" before "cpu 10"), each once. Of each account that is
  /// waiting they sum to the account.
  std::vector<WaitTotal> waits;

  /// Half-width of the 95 % confidence interval of the mean in ps; nothing if it cannot be told.
  std::optional<double> ci95() const { return ci95_half_width(batches); }
};

/// All seeds of a point whose status is `done`: a violation's figures are no result.
struct MergedPoint {
  std::uint64_t seeds = 0;
  Duration measured{}; ///< all windows together
  std::vector<MergedOperation> operations;
  Counters::Snapshot counters; ///< sums over seeds; the tables show the mean
  IpiCounts ipis;              ///< likewise

  /// Completed operations a simulated second, as a double for programs; the tables divide integers.
  double per_second(const MergedOperation& operation) const;
};

/// Merges in the order of seeds, whatever the order of the arguments. Throws std::invalid_argument on a seed
/// that comes twice, on one with another number of CPUs, and as check_waits() does.
MergedPoint merge(std::span<const PointResult> seeds);

} // namespace mmsim
