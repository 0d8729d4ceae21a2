// A result directory read back for people: manifest.json, latency.csv, account.csv and the locks of
// counter.csv, checked for wholeness.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/lock_stat.hpp"

namespace mmsim {

struct Findings {
  struct AccountTime {
    std::string account;
    double mean_ns;
  };
  struct Operation {
    std::string name;
    std::uint64_t count = 0;
    double mean_ns = 0, p50_ns = 0, p99_ns = 0, per_second = 0;
    std::optional<double> ci95_ns;
    std::vector<AccountTime> accounts; ///< in the order of the table; they sum to mean_ns
    double in_account(std::string_view account) const;
  };
  struct Point {
    std::uint64_t point = 0;
    std::vector<std::string> values; ///< one an axis
    std::string status;
    bool what_if = false;
    std::vector<Operation> operations; ///< empty if no seed is done
    std::vector<LockStat> locks{};     ///< in the order of the table; empty if no seed is done
    /// Null if it was never completed.
    const Operation* find(std::string_view operation) const;
  };
  struct Axis {
    std::string path;
    std::vector<std::string> values; ///< as the tables have them, in the order of the sweep file
    std::vector<double> numbers;     ///< as many, if all are numbers or quantities of one kind; else empty
    std::size_t place_of(std::string_view value) const;
  };

  std::vector<Axis> axes;
  std::vector<Point> points;
  std::vector<std::string> what_if; ///< "kernel.tlb_flush=lazy"
  std::int64_t seeds = 1;

  /// The operations of all points, in the order in which they first appear.
  std::vector<std::string> operations() const;
  /// The index of the numeric axis that is drawn against: run.cpus if it is one, else the one with most
  /// values.
  std::optional<std::size_t> main_axis() const;
  /// Whether the value of this axis is a what-if at that point.
  bool marks(const Point& point, std::size_t axis) const;
};

/// Throws InputError, with file and line where there is one, for a directory that is missing, empty,
/// unfinished, truncated or edited.
Findings read_findings(const std::filesystem::path& directory);

} // namespace mmsim
