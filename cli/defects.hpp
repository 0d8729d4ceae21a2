// What is wrong with the files of a result directory, collected while what is right is read.
//
//   Defects defects;
//   const CsvTable table(file, columns, defects);  // holds the rows that are whole
//   for (const std::string& line : defects.lines()) spdlog::error("{}", line);
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace mmsim {

/// What to do about a damaged result directory.
inline constexpr const char* run_again =
    "; run the same mmsim run or mmsim sweep command again (finished runs are kept)";

class Defects {
 public:
  /// `line` is from 1, or 0 for the file as a whole.
  void add(const std::filesystem::path& file, int line, const std::string& reason,
           const std::string& advice = run_again);

  bool none() const { return files_.empty(); }
  /// Whether this file has one.
  bool in(const std::filesystem::path& file) const;
  /// One line a file, in the order in which they were found: its first defect with the place, how many more there
  /// are, and what to do.
  std::vector<std::string> lines() const;

 private:
  struct OfFile {
    std::filesystem::path file;
    std::string first, advice;
    std::size_t more = 0;
  };
  std::vector<OfFile> files_;
};

} // namespace mmsim
