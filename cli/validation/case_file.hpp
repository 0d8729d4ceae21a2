// Case files: tests/reference/NAME.toml. README.md, "mmsim validate", shows one.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cli/validation/case.hpp"

namespace mmsim::validation {

/// Reads and checks one file: keys, names, numbers, and that every point's configuration is one that the
/// model can run. Throws InputError with file, line and column.
Case read_case(const std::filesystem::path& file);

/// Where the case files are: $MMSIM_REFERENCE, else tests/reference of the sources that this program was
/// built from.
std::filesystem::path reference_folder();

/// All cases of the folder whose name or topic `only` (a regular expression, case counts) is found in, in the
/// order of topics and names; of the others only what stands in the file itself is checked. Throws InputError
/// if there are none, with the nearest name.
std::vector<Case> read_cases(const std::filesystem::path& folder, const std::optional<std::string>& only);

} // namespace mmsim::validation
