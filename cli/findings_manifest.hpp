// What manifest.json says of a result directory; and, where it is missing, what the headers of the tables say.
#pragma once

#include <filesystem>

#include "cli/findings.hpp"

namespace mmsim {

/// Axes, points with their status, what-ifs. False, with a defect, if the manifest is missing or damaged; then
/// `findings` has the axes of the tables' headers, without values, and no points.
bool read_manifest(const std::filesystem::path& directory, Findings& findings);

/// After the tables were read without a manifest: the values that the axes have in them, and whether they are
/// numbers. Points come in the order of their numbers.
void complete_axes(Findings& findings);

} // namespace mmsim
