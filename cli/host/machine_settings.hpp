// A machine file as settings, for runs that take everything from the command line.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace mmsim::host {

/// "machine.line.atomic=\"5 ns\"" of each key, checked. Throws InputError with the file's place for what cannot be
/// read, is no key of a machine, or has a wrong value.
std::vector<std::string> machine_settings(const std::filesystem::path& file);

} // namespace mmsim::host
