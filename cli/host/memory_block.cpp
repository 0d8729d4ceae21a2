#include "cli/host/memory_block.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "cli/host/system_files.hpp"

namespace mmsim::host {

namespace {

/// Bytes of files that a cgroup gives back when it needs memory: "inactive_file 4096" in its memory.stat.
long given_back(const std::string& folder) {
  std::ifstream file(folder + "memory.stat");
  long bytes = 0;
  for (std::string key; file >> key >> bytes;)
    if (key == "inactive_file") return bytes;
  return 0;
}

/// The folders of a memory cgroup and of those that it is in, from within to the mount, which in a container
/// may be all that is seen.
std::vector<std::string> folders_up(const std::string& mount, std::string path) {
  std::vector<std::string> result;
  for (; path.size() > 1; path.erase(path.rfind('/')))
    result.push_back(mount + path + '/');
  result.push_back(mount + '/');
  return result;
}

} // namespace

std::uint64_t spare_memory() {
  std::uint64_t spare = std::strtoull(value_of("/proc/meminfo", "MemAvailable").c_str(), nullptr, 10) << 10;
  const auto limit_by = [&](const std::string& folder, const char* most_file, const char* now_file) {
    const long most = number_in(folder + most_file, 0); // "max" is no number
    if (most <= 0) return;
    const long now = number_in(folder + now_file, 0) - given_back(folder);
    spare = std::min(spare, std::uint64_t(std::max(most - now, 0l)));
  };
  // "0::/user.slice/..." of version 2, "7:memory:/docker/..." of version 1
  std::string path, path_of_1;
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    const auto first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos || line[second + 1] != '/') continue;
    if (line.starts_with("0::")) path = line.substr(second + 1);
    if (line.substr(first + 1, second - first - 1) == "memory") path_of_1 = line.substr(second + 1);
  }
  for (const std::string& folder : folders_up("/sys/fs/cgroup", path))
    limit_by(folder, "memory.max", "memory.current");
  for (const std::string& folder : folders_up("/sys/fs/cgroup/memory", path_of_1))
    limit_by(folder, "memory.limit_in_bytes", "memory.usage_in_bytes");
  return spare;
}

} // namespace mmsim::host
