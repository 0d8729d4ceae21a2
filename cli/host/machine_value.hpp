// One line of a machine file that calibration writes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "cli/host/measurement.hpp"

namespace mmsim::host {

struct MachineValue {
  std::string path;       ///< without "machine.": "line.transfer"
  std::string value = ""; ///< as TOML: "\"35.2 ns\"", "false", "48"; empty: the default stands in
  double median = 0, low = 0, high = 0; ///< ns (or what `unit` says); all 0 if it was read, not measured
  double spread = 0;                    ///< interquartile range over median
  std::size_t repetitions = 0;          ///< 0: read or reckoned, not measured
  std::string how = {};                 ///< how it was found; if it was not: why
  std::string unit = "ns";

  bool known() const { return !value.empty(); }
};

/// A duration in ns. A median of 0 or less becomes not_measured.
MachineValue measured_value(std::string path, const Measurement& measurement);
/// A duration that was reckoned from several measurements: `ns` with the spread and repetitions of `from`.
MachineValue reckoned_value(std::string path, double ns, double low, double high, const Measurement& from,
                            std::string how);
/// What is left of the measurement `from` when others are taken off: `ns`, 95 % of it in `low` to `high`.
/// Not measured if that interval reaches down to nothing or is wider than the value itself: another run would
/// then give another number. The spread is that of `from`, over `ns`.
MachineValue difference_value(std::string path, double ns, double low, double high, const Measurement& from,
                              std::string how);
/// What /sys or the architecture says. `toml` is the right-hand side: "\"2.1 GHz\"", "false".
MachineValue told_value(std::string path, std::string toml, std::string how);
/// The default stands in.
MachineValue not_measured(std::string path, std::string why);

/// "\"35.2 ns\"": a duration of the machine file, with three or four digits.
std::string toml_duration(double ns);

/// The value of `path`, or null if it is not among them or not known.
const MachineValue* find_value(const std::vector<MachineValue>& values, std::string_view path);

} // namespace mmsim::host
