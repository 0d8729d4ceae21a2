// How long a sweep will take on this host, told from runs that were timed.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace mmsim {

/// A run, finished or extrapolated from a short one.
struct TimedRun {
  double weight;  ///< run_book.hpp
  double seconds; ///< of the host, on one process
};

/// The expected seconds of a run with this weight: in a straight line between the timed ones next to it (of
/// equal weights their mean), in proportion outside. `timed` must not be empty.
double expected_seconds(double weight, std::span<const TimedRun> timed);

/// When the last of `seconds` ends if each of `processes` takes the longest that waits.
double seconds_on(unsigned processes, std::vector<double> seconds);

/// A point as it stands before a sweep goes on.
struct PointToRun {
  double weight;
  std::size_t least, most;           ///< runs that are still to do: more than `least` only with sweep.ci
  std::optional<double> own_seconds; ///< the mean of its finished runs
};

struct HostTime {
  double least = 0, most = 0; ///< seconds
};

/// `timed` may be empty only if every point with runs to do knows its own seconds.
HostTime host_time(std::span<const PointToRun> points, std::span<const TimedRun> timed, unsigned processes);

/// A run that was cut to a part of its simulated time, and timed.
struct ShortRun {
  double part;    ///< 0 < part <= 1
  double seconds; ///< of the host
};

/// The seconds of the whole run: set-up once, the rest in proportion to simulated time. From one short run
/// all of it is taken to be in proportion. `shorts` by part, ascending, not empty.
double extrapolated_seconds(std::span<const ShortRun> shorts);

/// "about 40 s", "about 40 s to 3 min 10 s", "under a second".
std::string readable_host_time(const HostTime& time);

} // namespace mmsim
