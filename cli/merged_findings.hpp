// The result of a point that has just run, as Findings has it: for mmsim run, which reads no directory.
#pragma once

#include "cli/findings.hpp"
#include "sim/record/results.hpp"

namespace mmsim {

/// Operations, accounts, waits and locks; empty if no seed is done. The number and the axes are the caller's.
Findings::Point finding_of(const MergedPoint& point);

} // namespace mmsim
