// sweep.axes as it stands in a file: lists, and ranges for sweeps that are sampled.
#pragma once

#include <string>
#include <vector>

#include <toml++/toml.h>

#include "cli/sweep_plan.hpp"

namespace mmsim {

/// The axes in the order of the file. Throws InputError for what is neither a list nor a range.
std::vector<Axis> read_axes(const toml::key& key, const toml::node& node, const std::string& file);

/// Throws InputError for an axis that is no parameter: of the chosen scenario, or of any if the scenario is
/// an axis itself.
void check_axes(const std::vector<Axis>& axes, const Configuration& written);

} // namespace mmsim
