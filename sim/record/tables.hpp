#pragma once
// The four result tables (INTERFACES.md, "Results") as CSV (RFC 4180 quoting, "\n" line ends, UTF-8 as
// given).
//
// Every table starts with `point` and one column an axis. Numbers are the same bytes for the same results:
// - ns and per_second columns have three decimals, divided in integers from ps and counts, rounded half up:
//   a percentile in ns is its picosecond value exactly;
// - ci95_ns and host_s are doubles, rounded to three decimals by std::to_chars;
// - counters are the sum over seeds divided by the seeds: an integer if it is one, else three decimals; but
//   lock_wait_max_ns and lock_hold_max_ns are the longest of all seeds;
// - a field is empty where there is no answer: the mean of no operations, the interval of a single one.
//
// latency.csv, account.csv and counter.csv merge the seeds that are `done` (a point without one has no row
// there); point.csv has one row a seed, in the order of seeds, with warnings joined by "; ". Accounts that
// got no time have no row.
//
// host_s in point.csv measures the host: the one column in all tables that is not the same bytes from run to
// run.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "sim/record/results.hpp"

namespace mmsim {

struct ResultTables {
  struct Point {
    std::uint64_t point = 0;
    std::vector<std::string> axis_values; ///< as many as axes
    std::vector<PointResult> seeds;
  };
  std::vector<std::string> axes; ///< dotted paths
  std::vector<Point> points;     ///< rows come in this order
};

std::string latency_csv(const ResultTables& tables);
std::string account_csv(const ResultTables& tables);
std::string counter_csv(const ResultTables& tables);
std::string point_csv(const ResultTables& tables);

/// Writes latency.csv, account.csv, counter.csv and point.csv into an existing directory; none is replaced
/// before all four are on disk. Throws std::system_error with the path.
void write_tables(const std::filesystem::path& directory, const ResultTables& tables);

} // namespace mmsim
