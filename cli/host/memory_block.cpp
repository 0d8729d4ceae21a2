#include "cli/host/memory_block.hpp"

#include <algorithm>
#include <cstdlib>

#include "cli/host/system_files.hpp"

namespace mmsim::host {

std::uint64_t spare_memory() {
  std::uint64_t spare = std::strtoull(value_of("/proc/meminfo", "MemAvailable").c_str(), nullptr, 10) << 10;
  const auto limit_by = [&](const std::string& most_file, const std::string& now_file) {
    const long most = number_in(most_file, 0), now = number_in(now_file, 0);
    if (most > 0) spare = std::min(spare, std::uint64_t(std::max(most - now, 0l)));
  };
  const std::string folder = "/sys/fs/cgroup/";
  limit_by(folder + "memory.max", folder + "memory.current");
  limit_by(folder + "memory/memory.limit_in_bytes", folder + "memory/memory.usage_in_bytes");
  return spare;
}

} // namespace mmsim::host
