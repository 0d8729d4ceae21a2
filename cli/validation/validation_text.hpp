// The validation on a terminal.
#pragma once

#include <string>
#include <vector>

#include "cli/terminal.hpp"
#include "cli/validation/case_result.hpp"

namespace mmsim::validation {

/// A table of the cases by topic, below it a line for each that misses, and for each that is not frozen.
std::string cases_text(const std::vector<CaseResult>& results, const Terminal& terminal);
/// All points of all cases.
std::string points_text(const std::vector<CaseResult>& results, const Terminal& terminal);
/// Medians by topic and by what was known before the freeze, trends, crossovers, and what they were
/// calibrated with.
std::string summary_text(const Summary& summary, const Terminal& terminal);
/// Of a dry run: cases, points, runs and hashes. `runs` are those of each case, `distinct` of all together.
std::string plan_text(const std::vector<Case>& cases, const std::vector<std::size_t>& runs,
                      std::size_t distinct, const Terminal& terminal);

} // namespace mmsim::validation
