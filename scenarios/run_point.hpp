// One point with one seed, from configuration to result.
#pragma once

#include "sim/engine/configuration.hpp"
#include "sim/record/results.hpp"

namespace mmsim {

/// Runs it in this process, which can do so only once (SimGrid allows one engine a process). A violation is a
/// result with that status. Throws InputError for input that is wrong, anything else for a fault of the
/// program.
PointResult run_point(const Configuration& configuration);

} // namespace mmsim
