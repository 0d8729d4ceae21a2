// The directory of a sweep while it runs: which sweep it is of, which runs are finished, who may write.
//
//   DIR/points/sweep.json          the sweep's hash and the build that runs it
//   DIR/points/<point>-<seed>.json one finished run (sim/record/results.hpp)
//
// Files appear whole or not at all, so a sweep that was killed at any instant goes on with what is there.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "sim/record/results.hpp"

namespace mmsim {

/// Throws InputError, which names the option that the directory was given by, if it is not one, or cannot be
/// written or made. Touches nothing.
void check_writable(const std::filesystem::path& directory, const char* option);

/// Throws InputError if results with `hash` cannot go to `directory`: not a directory, not writable, of
/// another sweep or run, damaged, or with files of somebody else under our names. Touches nothing.
void check_result_directory(const std::filesystem::path& directory, const std::string& hash);

/// A folder with its parents, made if it is not there, and what of it was made.
class MadeDirectory {
 public:
  /// Throws InputError.
  explicit MadeDirectory(const std::filesystem::path& directory);
  /// Removes the folders that were made, as far as they are empty.
  void undo() const;

 private:
  std::vector<std::filesystem::path> made_; ///< the innermost first
};

/// The result of a finished run in a result directory, or nothing. A file that cannot be read counts as
/// nothing, with a warning.
std::optional<PointResult> finished_run(const std::filesystem::path& directory, std::size_t point,
                                        std::uint64_t seed);

/// The build that the finished runs of a result directory are of; nothing if there are none.
std::optional<std::string> build_of_runs(const std::filesystem::path& directory);

class SweepDirectory {
 public:
  /// Checks, creates what is missing and locks it. Throws InputError, also while another process holds the
  /// lock. Runs of another build are removed.
  SweepDirectory(std::filesystem::path directory, const std::string& hash, const std::string& build);
  ~SweepDirectory();
  SweepDirectory(const SweepDirectory&) = delete;
  SweepDirectory& operator=(const SweepDirectory&) = delete;

  /// Runs that were removed because another build had made them.
  std::size_t outdated() const { return outdated_; }
  std::filesystem::path file_of(std::size_t point, std::uint64_t seed) const;
  /// As finished_run().
  std::optional<PointResult> finished(std::size_t point, std::uint64_t seed) const {
    return finished_run(directory_, point, seed);
  }
  /// Takes back everything, if nothing was there before; for a sweep that turns out to be wrong input.
  void undo();

 private:
  std::filesystem::path directory_, points_;
  bool resumed_ = false; ///< there was something of this sweep before
  std::optional<MadeDirectory> made_;
  std::size_t outdated_ = 0;
  int lock_ = -1;
};

} // namespace mmsim
