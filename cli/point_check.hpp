// What can be wrong with a point although each of its values is possible by itself.
#pragma once

#include "sim/engine/configuration.hpp"

namespace mmsim {

/// Throws InputError for more CPUs than the machine has cores, and for what the scenario refuses. Machine and
/// scenario refuse it as well, but only once the point runs: a sweep is to say so before anything starts.
void check_point(const Configuration& configuration);

} // namespace mmsim
