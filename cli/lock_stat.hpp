// What the locks of each class did, in the columns that readers of /proc/lock_stat know.
//
//   LockStatTable table(terminal);
//   std::cout << table.text(lock_stats(point));
//   std::cout << table.legend();            // what the columns are, and which did not fit
//
// The kernel's columns that are not here: waittime-min and holdtime-min, which nobody keeps.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include "cli/terminal.hpp"
#include "sim/record/results.hpp"

namespace mmsim {

/// One lock class over the measured window: means over seeds (so no whole numbers), the longest of all seeds.
struct LockStat {
  std::string name;
  double acquired = 0, contended = 0;
  double wait_ns = 0, hold_ns = 0; ///< totals
  double wait_max_ns = 0, hold_max_ns = 0;
  double acq_bounces = 0, con_bounces = 0;
};

/// The lock classes of a point that has at least one seed.
std::vector<LockStat> lock_stats(const MergedPoint& point);

class LockStatTable {
 public:
  explicit LockStatTable(const Terminal& terminal) : terminal_(terminal) {}

  /// The classes that were acquired, those that cost most waiting first, the `most` first of them. If not
  /// all columns fit the terminal, waits and holds get a table each; what then does not fit is left out, the
  /// least important first. Empty if nothing was acquired.
  std::string text(std::vector<LockStat> classes, std::size_t indent = 0, std::size_t most = SIZE_MAX);
  /// What to know about the tables so far, in lines; empty if there were none.
  std::string legend() const;

 private:
  const Terminal terminal_;
  bool shown_ = false;
  std::set<std::size_t> left_out_; // columns
};

} // namespace mmsim
