// A run in a child process, from its configuration to a file with its result.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "cli/point_process.hpp"
#include "sim/engine/configuration.hpp"
#include "sim/record/results.hpp"

namespace mmsim {

/// Runs one seed of one point in this process (scenarios/run_point.hpp).
using PointRunner = std::function<PointResult(const Configuration&)>;

/// What a child does. Its exit status says how it went; an error's text goes to standard error.
int run_in_child(const Configuration& configuration, const std::filesystem::path& file,
                 const PointRunner& run_point);

/// The message of a run that ended without a result.
std::string reason_of(const PointProcesses::Finished& finished);

} // namespace mmsim
