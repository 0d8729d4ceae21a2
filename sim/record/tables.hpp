#pragma once
// The result tables (INTERFACES.md, "Results") as CSV (RFC 4180 quoting, "\n" line ends, UTF-8 as
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
// All tables merge the seeds that are `done` (a point without one has no row there), but for point.csv: it
// has one row a seed, in the order of seeds, with warnings joined by "; ". Accounts and waits that got no
// time, buckets without a value and pairs of CPUs without an interrupt have no row.
//
// histogram.csv has 16 buckets an octave; a bound in ns is its picosecond value exactly. ipi.csv has groups
// of `width` CPUs, named by their first (ipi_matrix.hpp). folded.txt is no table but folded stacks, for
// flamegraph.pl and its kin: frames joined by ";", a space, ps over all seeds. A ";" in a name is a ","
// there, a control character a space.
//
// host_s in point.csv measures the host: the one column in all tables that is not the same bytes from run to
// run.

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
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

/// The files of a result directory beside manifest.json.
inline constexpr std::array<std::string_view, 8> table_names{"latency.csv", "histogram.csv", "account.csv",
                                                             "wait.csv",    "folded.txt",    "counter.csv",
                                                             "ipi.csv",     "point.csv"};

struct ResultFile {
  std::string name, contents;
  bool operator==(const ResultFile&) const = default;
};

/// All of table_names, in that order. Throws std::invalid_argument as merge() does, and on a point without a
/// value for each axis.
std::vector<ResultFile> table_files(const ResultTables& tables);
/// One of them. Throws std::logic_error if there is none of that name.
std::string table_named(std::string_view name, const ResultTables& tables);

/// All are there with these bytes.
bool holds(const std::filesystem::path& directory, const std::vector<ResultFile>& files);
/// Writes them into an existing directory; none is replaced before all are on disk. Throws std::system_error
/// with the path.
void write_files(const std::filesystem::path& directory, const std::vector<ResultFile>& files);

} // namespace mmsim
