// A measured number with what says how far to trust it, and the loop that takes the samples.
//
//   std::vector<Trial> trials{{"syscall", "getppid, 64 in a row", [] { return ns_per_call(64); }},
//                             {"fork", "fork and wait", [] { return ns_of_a_fork(); }}};
//   std::vector<Measurement> result = interleaved(trials, budget.part(0.2));
//
// Neighbours and hypervisors steal time in bursts: many short repetitions, kinds interleaved so that a burst
// meets all of them, medians, and the spread beside each.
//
// Beside this: clock.hpp (ticks), pinning.hpp (one CPU for a thread), partner.hpp (a second thread or
// process), budget.hpp (how long all may take).
#pragma once

#include <cstddef>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "cli/host/budget.hpp"

namespace mmsim::host {

struct Measurement {
  std::string name;
  std::string unit = "ns";
  double median = 0;
  double low = 0, high = 0; ///< 95 % confidence interval of the median, from order statistics
  double spread = 0;        ///< interquartile range over median
  std::size_t repetitions = 0;
  std::string how; ///< one line

  bool measured() const { return repetitions > 0; }
};

/// The statistics of `samples`, in any order; those that are not finite are left out. The interval is that of
/// the binomial law (exact up to 50 samples, then its normal approximation); with fewer than six samples,
/// whose extremes do not reach 95 %, it is their range. No samples: repetitions is 0 and the numbers are
/// too.
Measurement measurement_of(std::string name, std::vector<double> samples, std::string how,
                           std::string unit = "ns");

/// The same, with all its times multiplied by `factor` >= 0.
Measurement scaled(Measurement measurement, double factor);

/// What is measured again and again.
struct Trial {
  std::string name;
  std::string how;              ///< one line
  std::function<double()> once; ///< one sample, in `unit`; NaN or an exception: it does not count
  std::string unit = "ns";
};

struct Repetitions {
  std::size_t least = 11, most = 400; ///< `least` is taken even beyond the budget
};

/// Takes a sample of each trial in turn, until the budget is over or each has `most`. In the order of
/// `trials`. The first round warms up and is not counted.
std::vector<Measurement> interleaved(const std::vector<Trial>& trials, const Budget& budget,
                                     Repetitions repetitions = {});

/// A sample that does not count.
inline constexpr double no_sample = std::numeric_limits<double>::quiet_NaN();

} // namespace mmsim::host
