// Parameters of the model from measurements, by way of the model itself: a parameter for each measured operation, so
// that there are never more of them than measurements, all of them together such that the simulator answers what was
// measured.
//
// What an operation takes is very nearly linear in what its steps cost. So: simulate every operation once as things
// are and once with each parameter a step larger, solve for the differences to what was measured, and again from
// there, since caches and queues are not quite linear. A parameter that would have to be negative stays at 0, its
// measurement is given up, and the others are solved without it.
#pragma once

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
};

/// In the order of `targets`. `settings`: of every simulation, before the fitted ones.
std::vector<FittedParameter> fit_parameters(const std::vector<FitTarget>& targets,
                                            const std::vector<std::string>& settings,
                                            const Simulator& simulator);

/// A picosecond: what stands for nothing, since some costs may not be 0.
inline constexpr double shortest_ns = 0.001;

/// "machine.work.munmap=412.345 ns": a setting in whole picoseconds, at least one.
std::string setting_of(const std::string& path, double ns);

} // namespace mmsim::host
