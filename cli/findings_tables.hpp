// The tables of a result directory, read into Findings row by row and compared with each other.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "cli/findings.hpp"

namespace mmsim {

/// The tables that are read, and their columns behind those of the axes.
const std::vector<std::pair<std::string, std::vector<std::string>>>& table_columns();

/// Adds what the tables say to the points of `findings`; without a manifest (`points_known` is false) also points.
/// An operation that latency.csv lacks has the mean of its accounts; accounts that do not sum to their latency, and
/// waits that do not sum to their account, are left out, with a defect.
void read_tables(const std::filesystem::path& directory, bool points_known, Findings& findings);

} // namespace mmsim
