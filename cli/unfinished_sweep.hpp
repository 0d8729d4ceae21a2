// A sweep that was stopped has no tables yet, but runs that are finished (cli/sweep_directory.hpp). They can be looked
// at, by the number of their point: which values its axes had is written down when all are done.
#pragma once

#include <filesystem>
#include <optional>

#include "cli/findings.hpp"

namespace mmsim {

/// The one axis of such findings.
inline constexpr const char* number_of_point = "point";

/// Nothing if the directory holds no finished run. The findings have one axis, whose values are not to be compared,
/// and a defect that says how far the sweep has come.
std::optional<Findings> findings_of_unfinished_sweep(const std::filesystem::path& directory);

} // namespace mmsim
