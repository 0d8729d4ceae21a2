// A case of the validation: a published series, and what stands for it in the model. Read from
// tests/reference/NAME.toml (case_file.hpp).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/configuration_files.hpp"
#include "sim/engine/configuration.hpp"
#include "sim/record/account.hpp"

namespace mmsim::validation {

/// How the simulated series is held against the published one (comparison.hpp).
enum class Compare { absolute, relative, trend, crossover };
/// The word in the file.
std::string_view name(Compare compare);

/// What is taken from a run (published_quantity.hpp).
enum class Measure {
  mean,
  p50,
  p90,
  p99,
  max,
  per_second,
  interval,
  account,
  account_share,
  counter,
  counter_per_second,
  counter_per_operation,
  counter_share,
};

/// How a run's value and that of the run with the settings of [against] become one.
enum class Combine { none, ratio, change, difference };

/// The section [quantity].
struct CaseQuantity {
  Measure value{};
  std::string operation; ///< empty for counters that no operation divides
  std::vector<Account> accounts;
  std::vector<std::string> counters; ///< names as in counter.csv
  double scale = 1;                  ///< published units per unit of the value
  Combine combine = Combine::none;
  Origin operation_origin, counters_origin; ///< for what only a run can tell
};

struct CasePoint {
  Value x;
  std::string label; ///< x as the tables have it
  double y = 0;
  bool calibrated = false; ///< its y was known when the model's numbers were chosen
  Configuration set;       ///< further settings of this point
  Origin origin;
};

/// When a case's numbers were fixed, and a later change of them.
struct Freeze {
  std::string on; ///< YYYY-MM-DD
  std::string hash, why;
  Origin origin;
};

struct Case {
  std::string name; ///< of the file, without .toml
  std::string file; ///< as messages call it
  std::string title, topic, source, machine, unit, x, note, miss;
  std::string seen_before; ///< why its predictions had been run before it was frozen; empty: they had not
  std::vector<std::string> rows;
  Compare compare{};
  double tolerance = 0;      ///< 0 for trends
  std::optional<Value> base; ///< relative: the x at which both curves are 1
  double level = 0;          ///< crossover: what the curve crosses
  double step = 0.1;         ///< trend: smaller published steps are not asked about
  std::string axis;          ///< the path that gets x, or empty
  std::int64_t seeds = 1;
  std::vector<CasePoint> points;
  std::vector<std::string> free; ///< parameters that the calibrated points have fixed
  Freeze frozen;                 ///< an empty hash: not yet
  std::vector<Freeze> changes;
  CaseQuantity quantity;
  Configuration model;                  ///< as written, without base files
  std::optional<Configuration> against; ///< what replaces settings of `model`
  BaseFiles base_files;

  /// A point whose y does not count as predicted: calibrated, or the base of a relative case.
  bool given(const CasePoint& point) const;
  /// What a run of the point has, bases resolved, defaults left out. Origins are the case's or a base file's.
  Configuration configuration(const CasePoint& point, bool of_against) const;
  /// The unit of the values that are compared: of relative cases that of a ratio.
  std::string compared_unit() const;
};

/// A number, whole or not; nothing for texts and flags.
std::optional<double> number_of(const Value& value);
/// Equal as numbers (1 and 1.0), else as values.
bool same_x(const Value& a, const Value& b);

} // namespace mmsim::validation
