// Small files of /proc and /sys.
#pragma once

#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

namespace mmsim::host {

/// The first line without its end; empty if the file cannot be read.
inline std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  while (!line.empty() && (line.back() == '\n' || line.back() == '\0' || line.back() == ' '))
    line.pop_back();
  return line;
}

/// The number that the file begins with, or `otherwise`.
inline long number_in(const std::string& path, long otherwise) {
  std::ifstream file(path);
  long value = otherwise;
  return file >> value ? value : otherwise;
}

/// What follows "KEY :" or "KEY:" on the first such line of a file like /proc/cpuinfo or /proc/meminfo;
/// empty: there is none.
inline std::string value_of(const std::string& path, const std::string& key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const auto colon = line.find(':');
    if (colon == std::string::npos) continue;
    const auto end = line.find_last_not_of(" \t", colon - 1);
    if (end == std::string::npos || line.substr(0, end + 1) != key) continue;
    const auto begin = line.find_first_not_of(" \t", colon + 1);
    return begin == std::string::npos ? "" : line.substr(begin);
  }
  return "";
}

/// The numbers of "0-3,8".
std::vector<int> numbers_of(const std::string& list);

} // namespace mmsim::host
