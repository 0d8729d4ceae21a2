// One point with one seed, from configuration to result.
#pragma once

#include "models/pages/proc_files.hpp"
#include "sim/engine/configuration.hpp"
#include "sim/record/results.hpp"

#include "sim/record/trace.hpp"

#include <vector>

namespace mmsim {

/// Runs it in this process, which can do so only once (SimGrid allows one engine a process). A violation is a
/// result with that status. Throws InputError for input that is wrong, anything else for a fault of the
/// program.
PointResult run_point(const Configuration& configuration);

/// The files of /proc at two instants of a run.
struct ProcRecord {
  std::vector<ProcFile> window; ///< when the measured window closed, counters as they stood: memory is in use
  std::vector<ProcFile>
      end; ///< when every task was gone, counters folded; empty if the run did not get there
};
/// The same; also fills `proc`.
PointResult run_point_with_proc(const Configuration& configuration, ProcRecord& proc);

/// Those who look on; null: nobody. The result is the same with and without them.
struct RunWatchers {
  ProcRecord* proc = nullptr;
  Trace* trace = nullptr; ///< finished afterwards
};
PointResult run_point_watched(const Configuration& configuration, const RunWatchers& watchers);

} // namespace mmsim
