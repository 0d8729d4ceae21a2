// Where `mmsim run --proc DIR` writes: DIR with the files of the run's end, DIR/window with those of the
// measured window.
#pragma once

#include <filesystem>
#include <optional>

#include "cli/sweep_directory.hpp"
#include "scenarios/run_point.hpp"

namespace mmsim {

class ProcDirectory {
 public:
  /// Throws InputError if the folders cannot be made or written. Touches nothing.
  static void check(const std::filesystem::path& directory);
  /// Makes both folders if they are not there. Throws InputError, before the run, if they cannot be or if
  /// files cannot be written there.
  explicit ProcDirectory(std::filesystem::path directory);
  /// Removes what was made, as far as it is empty.
  void undo() const;
  /// Files that are there are replaced, once all new ones are on disk.
  void write(const ProcRecord& record) const;

 private:
  std::filesystem::path directory_;
  std::optional<MadeDirectory> made_, made_window_; ///< always there once constructed
};

} // namespace mmsim
