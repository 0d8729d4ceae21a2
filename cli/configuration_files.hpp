// From TOML files and --set options to the configuration of a run, and to the points of a sweep.
//
//   [machine]                       # sections: machine, kernel, scenario, run; in sweep files sweep
//   base = "neoverse-n1-80"         # configs/machines/neoverse-n1-80.toml, whose keys stand without a
//   section ipi.send = "80 ns"              # dotted keys and nested tables are the same path:
//   machine.ipi.send [sweep] axes = { "run.cpus" = [1, 2, 4], "kernel.tlb_flush" = ["lazy", "eager"] } seeds
//   = 3
//
// What wins, strongest first: --set, the axis value of a sweep's point, the file, its base file, that file's
// own base, the declared default. Base files are resolved last, so --set and an axis may choose them.
//
// A base is searched in the `configs` folder beside the file or beside one of its parent folders, then in
// $MMSIM_CONFIGS, then in the sources that this program was built from.
//
// Everything here throws InputError, with file, line and column, and checks keys and values before it
// returns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "sim/engine/configuration.hpp"

namespace mmsim {

/// The folders with base files that belong to one configuration file, or to none.
class BaseFiles {
 public:
  /// `configuration_file` may be empty: then only $MMSIM_CONFIGS and the sources are searched.
  explicit BaseFiles(const std::filesystem::path& configuration_file = {});

  /// A copy of `written` with the keys of the files that machine.base and kernel.base choose, and of their
  /// own bases, wherever `written` has no value itself.
  Configuration resolve(const Configuration& written) const;

  /// The bases that exist, by name. `section` is "machine" or "kernel".
  std::map<std::string, std::filesystem::path> available(const std::string& section) const;

 private:
  const Configuration& load(const std::string& section, const std::string& name,
                            const Entry& chosen_by) const;

  std::vector<std::filesystem::path> folders_;
  mutable std::map<std::string, Configuration> loaded_; // by path; a sweep resolves each point
};

/// One `path=value` of the command line. The value is read as TOML, else taken as text:
/// `kernel.tlb_flush=lazy` and `machine.ipi.send=80 ns` need no quotes. A parameter that is a name takes any
/// text: `kernel.base=5.10`.
struct Override {
  std::string path;
  Value value;
};

/// Throws InputError at origin "--set" for anything but section.key=value.
Override parse_override(const std::string& text);

/// The checked configuration of `mmsim run`. `file` may be empty: then everything comes from `overrides`
/// ("path=value", the last of a path wins) and the defaults.
Configuration load_configuration(const std::filesystem::path& file,
                                 const std::vector<std::string>& overrides);

/// One dimension of a sweep.
struct Axis {
  std::string path;
  Origin origin; ///< Of its key.
  std::vector<Value> values;
  std::vector<Origin> origins; ///< One for each value.
};

/// One combination of axis values.
struct SweepPoint {
  std::size_t index = 0;     ///< Its number, from 0; the last axis changes fastest.
  std::vector<Value> values; ///< One for each axis, in their order.
};

/// The product of the axes, all of whose points have been checked.
struct SweepPlan {
  Configuration written;  ///< The file and the overrides, without base files and axes.
  std::vector<Axis> axes; ///< In file order. An override of an axis leaves it that one value.
  std::int64_t seeds = 1; ///< Runs of each point.
  BaseFiles base_files;

  /// The number of points: 1 without axes.
  std::size_t size() const;
  /// All points in row-major order: the first axis changes slowest.
  std::vector<SweepPoint> points() const;
  /// What one point runs.
  Configuration configuration(const SweepPoint& point) const;
  /// The resolved configuration without the axes: what all points share, unless an axis chooses a base.
  Configuration base() const;
};

/// Reads a file that has a [sweep] section.
SweepPlan load_sweep(const std::filesystem::path& file, const std::vector<std::string>& overrides);

} // namespace mmsim
