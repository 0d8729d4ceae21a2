// How a run or a sweep went as a whole: messages to standard error, and the exit status.
#pragma once

#include <string>

#include "sim/record/tables.hpp"

namespace mmsim {

/// "point 17 (run.cpus=64 kernel.tlb_flush=lazy)", "point 0" without axes.
std::string place_of(const ResultTables& tables, const ResultTables::Point& point);

/// Prints warnings, violations and faults with their places. 3 if a run failed, else 1 for a violation, else
/// 0.
int report_verdict(const ResultTables& tables);

} // namespace mmsim
