// Which sweep is it? What decides whether a result directory may be continued.
#pragma once

#include <string>

#include "cli/sweep_plan.hpp"

namespace mmsim {

/// 16 hex digits of everything that the results depend on: axes, seeds and their rule, how points were
/// drawn, and at every point each resolved
/// value with the defaults; not where a value was written. Two sweeps with the same digits have the same
/// tables.
std::string sweep_hash(const SweepPlan& plan);

/// 16 hex digits of the running program: results of two builds are never mixed.
std::string build_hash();

} // namespace mmsim
