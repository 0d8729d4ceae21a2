// From the words of the command line to the command with its options.
#pragma once

#include <functional>

namespace mmsim {

/// What is to be done; --help and --version are done here and leave nothing to do. Throws InputError, with
/// the nearest valid name, for words that make no command.
std::function<int()> parse_command_line(int argc, char** argv);

} // namespace mmsim
