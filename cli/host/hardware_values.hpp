// From what was measured of the hardware to values of a machine file.
//
// Most values are a measurement; others are what is left of one when the steps that the model counts apart
// are taken off: the formulas stand in each value's `how`, and follow the model's own paths
// (cache_line.hpp, cross_call_per_cpu_queue.cpp, scheduler.cpp). Where only a sum can be measured, it is
// split in the ratio of the defaults, and `how` says so.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "cli/host/host_machine.hpp"
#include "cli/host/machine_value.hpp"
#include "cli/host/measurement.hpp"

namespace mmsim::host {

/// Durations of the cost book that a machine has if its file says nothing: ns by path, without "machine.".
using DefaultDurations = std::map<std::string, double, std::less<>>;

/// Measurements by name (trial_groups.hpp); those that were not made are not in it.
class Measurements {
 public:
  explicit Measurements(std::vector<Measurement> all);
  /// The one of that name; a Measurement with no repetitions if there is none.
  const Measurement& operator[](const std::string& name) const;
  const std::vector<Measurement>& all() const { return all_; }

 private:
  std::vector<Measurement> all_;
};

/// Values of the hardware, known and not known. Paths of which it says nothing are not calibration's to find.
std::vector<MachineValue> hardware_values(const HostMachine& machine, const Measurements& measured,
                                          const DefaultDurations& defaults);

/// What a reader should know beside the values: CPUs that are hyperthreads of each other although nobody says
/// so, what could not be pinned, what contended locks cost.
std::vector<std::string> hardware_remarks(const HostMachine& machine, const Measurements& measured);

} // namespace mmsim::host
