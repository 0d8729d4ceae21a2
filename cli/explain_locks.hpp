// The lock_stat part of mmsim explain.
#pragma once

#include <string>
#include <vector>

#include "cli/findings.hpp"
#include "cli/lock_stat.hpp"
#include "cli/overview.hpp"
#include "cli/terminal.hpp"

namespace mmsim {

/// What the locks did at the first and last point of each series, most waiting first and not all of it; with
/// `everything` all classes at all points. `table` knows the legend afterwards.
std::string explained_locks(const Findings& findings, const std::vector<Series>& all, bool everything,
                            LockStatTable& table, const Terminal& terminal);

} // namespace mmsim
