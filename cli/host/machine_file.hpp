// The text of the machine file that calibration writes (configs/machines/*.toml).
#pragma once

#include <string>
#include <vector>

#include "cli/host/host_machine.hpp"
#include "cli/host/machine_value.hpp"

namespace mmsim::host {

/// A parameter of [machine] that a file may set, with its default as TOML.
struct MachineParameter {
  std::string path; ///< without "machine."
  std::string default_text;
};

struct MachineFile {
  std::string date;    ///< "2026-11-22 20:31 UTC"
  std::string command; ///< as it was typed
  double seconds = 0;  ///< that calibration took
  std::vector<MachineValue> values;
  std::vector<std::string> remarks;
};

/// `values` of `added` replace those of `values` with the same path, if they are known or the old one is
/// not; others are appended.
void replace_values(std::vector<MachineValue>& values, const std::vector<MachineValue>& added);

/// Each known value with what is behind it, then each parameter that keeps its default, as a comment. Paths
/// that `parameters` does not have are left out.
std::string machine_file_text(const HostMachine& machine, const MachineFile& file,
                              const std::vector<MachineParameter>& parameters);

/// "median of 320 (95 %: 34.1 to 36 ns), spread 5 %" without what is not known; empty if nothing is.
std::string spread_text(const MachineValue& value);

/// Why calibration leaves a parameter alone of which no value says anything.
std::string why_left_alone(const std::string& path);

} // namespace mmsim::host
