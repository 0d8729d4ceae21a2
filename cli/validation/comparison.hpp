// The simulated series beside the published one.
//
//   absolute    error = simulated / published - 1 at each point
//   relative    the same, after both curves have been divided by their value at x = base
//   trend       each published step between neighbouring points that is at least `step` of the value that it
//               starts from must go the same way in the simulation, and be a step there: as a part of the
//               value that it starts from at least a tenth of the published one, and with several seeds at
//               least twice its standard error; errors are shown and do not count
//   crossover   the place x where each curve first changes sides of `level`, on straight lines between
//               points; error = simulated place / published place - 1, in a single row
//
// Beside that, of every series of more than one point, and not part of any verdict:
//
//   change      the last value as a multiple of the first; error = simulated multiple / published one - 1
//   steps       how many of the published steps go the same way in the simulation, by the rule of trends
//
// Absolute and relative cases are ok if the median |error| of the predicted points is at most the
// tolerance, a crossover if the |error| of its place is, a trend if no step to a predicted point goes the
// wrong way. The median of an even number is the mean of the two in the middle; the 90th percentile is the
// value of rank ceil(0.9 n) (nearest rank).
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/validation/case.hpp"

namespace mmsim::validation {

/// What the runs of one point gave.
struct Answer {
  std::optional<double> value;
  std::string why_none; ///< the message, if there is no value
  /// Standard error of the value, from its spread over seeds; nothing with one seed.
  std::optional<double> standard_error = std::nullopt;
};

struct Row {
  std::string x;
  double published = 0;            ///< of relative cases divided by the base
  std::optional<double> simulated; ///< likewise; nothing if a run failed
  std::optional<double> error;     ///< nothing without `simulated`, and where published is 0
  bool predicted = false;
  bool ok = false;
  std::optional<bool>
      step;            ///< whether the step to it from the row before is right; nothing if not asked about
  std::string message; ///< why there is no value, or how a step goes wrong
};

/// How far a series goes.
struct Change {
  std::string from, to;            ///< x of the first and the last point
  double published = 0;            ///< the last value as a multiple of the first
  std::optional<double> simulated; ///< likewise; nothing if one of the two has no value, or the first is 0
  std::optional<double> error;     ///< nothing without `simulated`
  bool predicted = false;          ///< at least one of the two is
};

struct Outcome {
  std::vector<Row> rows;                  ///< a crossover has one, x = "crossing"
  std::optional<double> median;           ///< of |error| of predicted rows; infinite if most have no value
  std::optional<double> p90;              ///< likewise; both nothing for trends, where errors do not count
  std::size_t steps = 0, wrong_steps = 0; ///< published steps to predicted points that are asked about
  std::optional<Change> change;           ///< nothing where change_of() has none
  bool ok = false;
};

/// `answers` has one for each point of the case.
Outcome compare(const Case& one, const std::vector<Answer>& answers);

/// Nothing of a lone point, and where the published ends are no multiple of each other: one is 0, or their
/// signs differ.
std::optional<Change> change_of(const Case& one, const std::vector<Answer>& answers);
/// The x where the curve first changes sides of `level`; nothing if it does not. x ascend.
std::optional<double> crossing(const std::vector<std::pair<double, double>>& curve, double level);
/// Whether a published step is large enough to ask about.
bool is_step(double from, double to, double least_share);
/// Why the simulated step is none that goes the way of the published one, or empty if it is.
std::string wrong_step(const Answer& from, const Answer& to, double published_from, double published_to);
/// Of an even number the mean of the two in the middle; nothing of none.
std::optional<double> median_of(std::vector<double> values);
/// Nearest rank: the value of rank ceil(0.9 n); nothing of none.
std::optional<double> p90_of(std::vector<double> values);
/// |error| of the predicted rows, infinite where there is no value.
std::vector<double> predicted_errors(const Outcome& outcome);
/// The predicted row of the largest |error|, the first without a value if there is one; null if none counts,
/// as of a trend.
const Row* worst_row(const Case& one, const Outcome& outcome);

} // namespace mmsim::validation
