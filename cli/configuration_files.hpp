// From TOML files and --set options to the configuration of a run.
//
//   [machine]                 # sections: machine, kernel, scenario, run; in sweep files sweep as well
//   base = "neoverse-n1-80"   # configs/machines/neoverse-n1-80.toml, whose keys stand without a section
//   ipi.send = "80 ns"        # dotted keys and nested tables are the same path: machine.ipi.send
//
// What wins, strongest first: --set, the axis value of a sweep's point, the file, its base file, that file's
// own base, the declared default. Base files are resolved last, so --set and an axis may choose them.
//
// A base is searched in the `configs` folder beside the file or beside one of its parent folders, then in
// $MMSIM_CONFIGS, then in the sources that this program was built from. A base with a '/' in it, or that ends
// in .toml, is the path of a file: relative to the folder of the file that names it, or, with --set, to the
// current folder.
//
// Everything here throws InputError, with file, line and column, and checks keys and values before it
// returns.
#pragma once

#include <array>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
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
  std::filesystem::path find(const std::string& section, const std::string& base,
                             const Entry& chosen_by) const;
  const Configuration& load(const std::string& section, const std::filesystem::path& path) const;

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

/// The keys of [sweep] that --set can change (sweep_settings.hpp).
inline constexpr std::array<std::string_view, 7> sweep_keys{
    "sweep.seeds", "sweep.sample",    "sweep.sampling",     "sweep.sample_seed",
    "sweep.ci",    "sweep.max_seeds", "sweep.ci_operations"};

/// Throws InputError at origin "--set" for anything but section.key=value.
Override parse_override(const std::string& text);
std::vector<Override> parse_overrides(const std::vector<std::string>& texts);

/// The checked configuration of `mmsim run`. `file` may be empty: then everything comes from `overrides`
/// ("path=value", the last of a path wins) and the defaults.
Configuration load_configuration(const std::filesystem::path& file,
                                 const std::vector<std::string>& overrides);

} // namespace mmsim
