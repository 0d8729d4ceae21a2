// The sentences of mmsim explain: what changed along the numeric axis, and between the values of the others.
#pragma once

#include <string>
#include <vector>

#include "cli/findings.hpp"
#include "cli/overview.hpp"

namespace mmsim {

/// A sentence for every step along the numeric axis, and one for all of it.
std::vector<std::string> sentences_along(const Findings& findings, const Series& series,
                                         const std::string& operation);

/// At the largest value of the numeric axis: the fastest value of each axis that has names (policies, machines)
/// against each other one, the remaining axes being the same.
std::vector<std::string> sentences_between(const Findings& findings, const std::vector<Series>& all,
                                           const std::string& operation);

} // namespace mmsim
