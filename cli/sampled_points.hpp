// Sweeps whose points are not the whole product of their axes (sweep.sample, or a damaged directory): there are no
// neighbours along an axis, so points are shown one below the other, the slowest first.
#pragma once

#include <string>
#include <vector>

#include "cli/findings.hpp"
#include "cli/terminal.hpp"

namespace mmsim {

/// Whether each combination of the axes' values has a point.
bool is_whole_product(const Findings& findings);

/// The points that have this operation, the slowest first.
std::vector<const Findings::Point*> by_latency(const Findings& findings, const std::string& operation);

/// "run.cpus=4 kernel.tlb_flush=eager (what-if)".
std::string place_of(const Findings& findings, const Findings::Point& point);

/// A row for each of by_latency(): its mean, its bottleneck and its place.
std::string table_of_points(const Findings& findings, const std::string& operation, const Terminal& terminal,
                            std::size_t indent = 0);

} // namespace mmsim
