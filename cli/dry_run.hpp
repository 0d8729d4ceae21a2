// What a sweep would run, and about how long it would take.
#pragma once

#include <filesystem>

#include "cli/sweep.hpp"

namespace mmsim {

/// The points, and how many runs they make: a table and a line, on standard output.
void show_plan(const SweepPlan& plan, const std::filesystem::path& out);

/// The estimate of the host's time, from the finished runs in `out`; if there are none, from short runs that
/// take at most some seconds, which standard error announces. Writes nothing into `out`. Returns the exit
/// status. Throws InputError if a short run finds its input wrong.
int show_host_time(const SweepPlan& plan, const std::filesystem::path& out, unsigned processes,
                   const PointRunner& run_point);

} // namespace mmsim
