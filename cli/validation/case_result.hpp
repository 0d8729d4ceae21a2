// What came out of the cases, one by one and together.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cli/validation/calibration_count.hpp"
#include "cli/validation/comparison.hpp"
#include "cli/validation/frozen.hpp"

namespace mmsim::validation {

struct CaseResult {
  const Case* one;
  std::string hash;
  Outcome outcome;
  std::set<std::string> warnings; ///< of its runs

  bool frozen() const { return frozen_state(*one, hash) == Frozen::yes; }
  bool passed() const { return outcome.ok && frozen(); }
};

/// |error| over the predicted points of absolute and relative cases.
struct ErrorSummary {
  std::string title; ///< the topic, or the group (publication.hpp); empty: of all
  std::size_t cases = 0, ok = 0, points = 0;
  std::optional<double> median, p90;
  std::optional<double>
      median_of_cases; ///< the median of the cases' medians: a case counts once however long
};

/// A series' change is within this share of the published one, or it is not.
constexpr double change_bound = 0.3;

struct Summary {
  ErrorSummary all;
  std::vector<ErrorSummary> topics; ///< those with such cases, in the order of the cases
  std::vector<ErrorSummary> groups; ///< those with such cases: how much was known before the freeze
  std::size_t trends = 0, trends_ok = 0, crossovers = 0, crossovers_ok = 0;
  std::size_t cases = 0, sources = 0, predicted = 0;
  std::size_t changes = 0, changes_within = 0; ///< of series whose ends are not both given
  std::size_t steps = 0, wrong_steps = 0;      ///< of all series, trends or not
  CalibrationCount calibration;
};

Summary summary_of(const std::vector<CaseResult>& results);

} // namespace mmsim::validation
