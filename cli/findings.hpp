// A result directory read back for people: manifest.json, latency.csv, account.csv, wait.csv and the locks of
// counter.csv. What is damaged or missing is said (Findings::defects), and the rest is there.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/defects.hpp"
#include "cli/lock_stat.hpp"
#include "sim/record/wait.hpp"

namespace mmsim {

struct Findings {
  struct Wait {
    WaitKind kind{};
    std::string whom;
    double mean_ns = 0;
  };
  struct AccountTime {
    std::string account;
    double mean_ns = 0;
    std::vector<Wait>
        waits{}; ///< in the order of the table, for an account that is waiting; empty if not known
    std::uint64_t total_ps = 0; ///< over all seeds; the totals of the waits sum to it
  };
  struct Operation {
    std::string name;
    std::uint64_t count = 0;
    double mean_ns = 0;
    std::optional<double> ci95_ns, p99_ns;
    std::vector<AccountTime>
        accounts; ///< in the order of the table; they sum to mean_ns, or are not known: none
    double in_account(std::string_view account) const;
    AccountTime* find(std::string_view account);
  };
  struct Point {
    std::uint64_t point = 0;
    std::vector<std::string> values; ///< one an axis
    std::string status;              ///< "unknown" without a manifest
    bool what_if = false;
    std::vector<Operation> operations; ///< empty if no seed is done
    std::vector<LockStat> locks{};     ///< in the order of the table; empty if no seed is done
    /// Null if it was never completed.
    const Operation* find(std::string_view operation) const;
    /// Also one of which nothing but the name is there.
    Operation* row_of(std::string_view operation);
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
  std::vector<std::string> notes;   ///< what is right, but has to be known
  bool without_waits = false;       ///< of a version of mmsim that did not write wait.csv, or may not
  Defects defects;

  /// The operations of all points, in the order in which they first appear.
  std::vector<std::string> operations() const;
  /// The index of the numeric axis that is drawn against: run.cpus if it is one, else the one with most
  /// values.
  std::optional<std::size_t> main_axis() const;
  /// Whether the value of this axis is a what-if at that point.
  bool marks(const Point& point, std::size_t axis) const;
};

/// Of a sweep that has not finished: its finished runs, whose axes are not known. Throws InputError where there is
/// nothing to show.
Findings read_findings(const std::filesystem::path& directory);

} // namespace mmsim
