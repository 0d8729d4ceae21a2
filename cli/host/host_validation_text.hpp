// `mmsim validate --host` for people.
#pragma once

#include "cli/host/host_validation.hpp"
#include "cli/terminal.hpp"

#include <string>
#include <vector>

namespace mmsim::host {

/// operation, pages, measured median [low, high], simulated, error, bound, verdict: a row a line.
std::string table_of(const std::vector<HostRow>& rows, const Terminal& terminal);

/// What would be measured: operation, pages, case, role.
std::string plan_of(const std::vector<KernelOperation>& operations, const Terminal& terminal);

/// How many hold, how many do not count and why: a paragraph below the table.
std::string summary_of(const std::vector<HostRow>& rows);

} // namespace mmsim::host
