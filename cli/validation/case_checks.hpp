// What can be wrong with a case although each of its keys is possible by itself.
#pragma once

#include "cli/validation/case.hpp"

namespace mmsim::validation {

/// Points against each other and against the comparison. `points` is where the list stands. Throws
/// InputError.
void check_points(const Case& one, const Origin& points);

/// Not more free parameters than calibrated points, and each is one of the model. Throws InputError.
void check_free(const Case& one, const Origin& free);

/// What every point would run, without running it. Throws InputError.
void check_configurations(const Case& one);

} // namespace mmsim::validation
