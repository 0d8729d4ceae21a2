// A published series beside the model's answer.
//
// Each point of the series is a run, or one a seed, with `settings`: the scenario, and the machine file that
// stands for the machine of the series.
// Points that the machine file was calibrated on are shown and not counted. What is asked of a series is the
// sign of every step of the published curve, and that the median error of its predicted points is no worse
// than when the case was written; README.md, "Beside the world's measurements", shows the errors themselves.
#pragma once

#include "tests/support/points.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <gtest/gtest.h>
#include <set>
#include <string>
#include <vector>

namespace mmsim::tests {

struct PublishedPoint {
  int x; ///< CPUs
  double y;
};

struct PublishedSeries {
  std::string name, source, unit;
  std::vector<PublishedPoint> points;
  std::set<int> calibrated; ///< x of points that the machine file was calibrated on
  std::vector<std::string> settings;
  /// From x and the run's result to the published quantity.
  std::function<double(int x, const PointResult&)> answer;
  double no_worse_than; ///< median relative error of predicted points
  std::function<std::vector<std::string>(int x)> settings_at = [](int) { return std::vector<std::string>{}; };
  int seeds = 1;
  std::set<int> missed_steps{}; ///< x to which the curve goes the wrong way: a miss, said in README.md
};
// Printed by name, so that a failing test says which series it is.
inline void PrintTo(const PublishedSeries& series, std::ostream* out) { *out << series.name; }

inline double per_second(const PointResult& result, const std::string& operation) {
  for (const OperationResult& one : result.operations)
    if (one.name == operation)
      return static_cast<double>(one.completed) / (static_cast<double>(result.measured.count()) * 1e-12);
  throw std::logic_error("no operation " + operation);
}

struct Comparison {
  std::vector<double> simulated, errors; ///< of all points
  double median;                         ///< of the absolute errors of predicted points
};

inline double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t n = values.size();
  return n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

/// Runs the series and prints it as a table.
inline Comparison compare(const PublishedSeries& series, const std::vector<std::string>& more = {}) {
  Comparison comparison;
  std::vector<double> predicted;
  std::printf("%s: %s\n%8s %12s %12s %8s\n", series.name.c_str(), series.source.c_str(), "CPUs", "published",
              "simulated", "error");
  for (const auto& [x, y] : series.points) {
    double simulated = 0;
    for (int seed = 1; seed <= series.seeds; ++seed) {
      const PointResult result = point(
          series.settings + std::vector{"run.cpus=" + std::to_string(x), "run.seed=" + std::to_string(seed)} +
          series.settings_at(x) + more);
      EXPECT_EQ(result.status, PointStatus::done) << result.message;
      simulated += series.answer(x, result) / series.seeds;
    }
    const double error = simulated / y - 1;
    const bool calibrated = series.calibrated.contains(x);
    std::printf("%8d %12.4g %12.4g %+7.0f%% %s\n", x, y, simulated, 100 * error,
                calibrated ? "calibrated" : "");
    comparison.simulated.push_back(simulated);
    comparison.errors.push_back(error);
    if (!calibrated) predicted.push_back(std::abs(error));
  }
  comparison.median = median(predicted);
  std::printf("%s: median error of %zu predicted points %.0f %%, in %s\n\n", series.name.c_str(),
              predicted.size(), 100 * comparison.median, series.unit.c_str());
  return comparison;
}

} // namespace mmsim::tests
