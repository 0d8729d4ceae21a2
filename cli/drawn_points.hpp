// From axes with lists and ranges to the points of a sampled sweep.
#pragma once

#include "cli/sweep_plan.hpp"

namespace mmsim {

/// Fills `drawn` of a plan with `sampling`: so many different points, numbered in the order of the product,
/// and leaves each axis the values that they have. Lists of which all points are asked for stay a whole
/// product, with a note. Throws InputError if there is nothing to draw from, or too little.
void draw_points(SweepPlan& plan);

} // namespace mmsim
