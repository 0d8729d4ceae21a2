// What mmsim explain prints of a result directory: for each operation its bottleneck, where the time went point by
// point, what changed, and trees.
#pragma once

#include <string>

#include "cli/findings.hpp"
#include "cli/terminal.hpp"

namespace mmsim {

struct ExplanationView {
  bool every_point = false; ///< trees of all points, not of the first and last of each series
  bool all_locks = false;   ///< all lock classes at all points
};

/// No line is wider than the terminal, if that has 40 columns. Empty if no point has an operation or a lock.
std::string explanation(const Findings& findings, const ExplanationView& view, const Terminal& terminal);

} // namespace mmsim
