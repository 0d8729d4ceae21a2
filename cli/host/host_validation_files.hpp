// The directory of `mmsim validate --host`: validation.csv and cases.json as of published cases
// (cli/validation/validation_files.hpp), topic "host", and the machine file.
#pragma once

#include "cli/host/host_machine.hpp"
#include "cli/host/host_validation.hpp"
#include "sim/record/tables.hpp"

#include <string>
#include <vector>

namespace mmsim::host {

/// `published` is what this machine took, in ns. Rows that could not be measured are only told of in the case's note.
/// A case holds if each of its counted rows does; without any its verdict is "uncounted". `complete`: all operations.
std::vector<ResultFile> host_validation_files(const std::vector<HostRow>& rows, const HostMachine& machine,
                                              const std::string& command, double host_seconds, bool complete);

} // namespace mmsim::host
