// A machine file as a setting, for runs that take everything from the command line.
#pragma once

#include <filesystem>
#include <string>

namespace mmsim::host {

/// "machine.base=FILE", once the file has been read and checked. Throws InputError with the file's place for what cannot
/// be read, is no key of a machine, or has a wrong value.
std::string machine_setting(const std::filesystem::path& file);

/// The machine whose name `mmsim calibrate` wrote into the file's first line; empty: it has not written it.
std::string calibrated_model(const std::filesystem::path& file);

} // namespace mmsim::host
