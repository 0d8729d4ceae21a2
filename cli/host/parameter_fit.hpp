// Parameters of the model from measurements, by way of the model itself: a parameter for each measured operation, so
// that there are never more of them than measurements, all of them together such that the simulator answers what was
// measured.
//
// What an operation takes is very nearly linear in what its steps cost. So: simulate every operation once as things
// are and once with each parameter a step larger, solve for the differences to what was measured, and again from
// there, since caches and queues are not quite linear; where the second step has missed, with differences that are taken
// anew. A parameter that would have to be negative stays at 0, its measurement is given up, and the others are solved
// without it; the next step asks anew, since what it gave up may have been another one's error.
#pragma once

#include "cli/host/budget.hpp"
#include "cli/host/simulated_workload.hpp"

#include <string>
#include <vector>

namespace mmsim::host {

struct FitTarget {
  std::string path;     ///< "machine.work.munmap", a duration
  double start_ns;      ///< where the search begins; at least 0
  KernelOperation from; ///< the operation that it is fitted to
  double measured_ns;   ///< what that takes on the machine
};

struct FittedParameter {
  double ns;             ///< at least 0
  double slope;          ///< of the operation's time against it
  double simulated_ns;   ///< what the operation takes with all fitted values
  bool given_up = false; ///< it would have to be negative
  double measured_ns = 0;

  /// Whether the model answers something else than the machine, given up or not.
  bool missed() const;
};
/// What may lie between the model and the machine before the fit is said to have missed.
inline constexpr double fit_tolerance = 0.02;

/// In the order of `targets`: the best of what was tried. `settings`: of every simulation, before the fitted ones.
/// Three steps are made whatever the budget, since they cost little beside the first differences; no further one begins
/// after it, and differences are taken anew only within half of it.
std::vector<FittedParameter> fit_parameters(const std::vector<FitTarget>& targets,
                                            const std::vector<std::string>& settings,
                                            const Simulator& simulator, const Budget& budget);

/// A picosecond: what stands for nothing, since some costs may not be 0.
inline constexpr double shortest_ns = 0.001;

/// "machine.work.munmap=412.345 ns": a setting in whole picoseconds, at least one.
std::string setting_of(const std::string& path, double ns);

} // namespace mmsim::host
