// Short runs of a few points, to tell how long a sweep will take.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "cli/host_time.hpp"
#include "cli/sweep.hpp"

namespace mmsim {

/// The configuration with its warm-up and window (or operations) cut to a part, 0 < part <= 1.
Configuration cut_to(const Configuration& configuration, double part);

/// The cheapest, the middle and the dearest of `points`, each once.
std::vector<SweepPoint> points_to_probe(const SweepPlan& plan, const std::vector<SweepPoint>& points);

struct HostProbe {
  std::vector<TimedRun> timed; ///< one a point, as long as a whole run
  bool at_least = false;       ///< a point took longer than the probe may
  bool interrupted = false;
  std::string wrong_input; ///< what a run found wrong with its input, which ends the probe; else empty
  std::string failure;     ///< of a point that could not be timed for another reason; else empty
};

/// Runs `points` in children for ever larger parts of their simulated time, within `budget` of host time.
/// Nothing is written.
HostProbe probe_host(const SweepPlan& plan, const std::vector<SweepPoint>& points, unsigned processes,
                     const PointRunner& run_point, std::chrono::milliseconds budget);

} // namespace mmsim
