#include "cli/host/host_topology.hpp"

#include <unistd.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <tuple>

#include "cli/host/system_files.hpp"

namespace mmsim::host {
namespace {

const std::string cpu_folder = "/sys/devices/system/cpu/";

std::uint64_t bytes_of(const std::string& size) { // "2048K"
  std::uint64_t bytes = 0;
  std::size_t at = 0;
  for (; at < size.size() && size[at] >= '0' && size[at] <= '9'; ++at)
    bytes = bytes * 10 + std::uint64_t(size[at] - '0');
  if (at < size.size() && size[at] == 'K') bytes <<= 10;
  if (at < size.size() && size[at] == 'M') bytes <<= 20;
  return bytes;
}

std::vector<HostCache> caches_of(int cpu) {
  std::vector<HostCache> result;
  for (int index = 0;; ++index) {
    const std::string folder =
        cpu_folder + "cpu" + std::to_string(cpu) + "/cache/index" + std::to_string(index) + '/';
    const long level = number_in(folder + "level", 0);
    if (level == 0) return result;
    result.push_back({int(level), first_line(folder + "type"), bytes_of(first_line(folder + "size")),
                      numbers_of(first_line(folder + "shared_cpu_list"))});
  }
}

/// The group of cores with one last-level cache: its lowest CPU; the socket where /sys does not show it.
int die_of(int cpu, int socket) {
  int level = 0, lowest = -1;
  for (const HostCache& cache : caches_of(cpu))
    if (cache.type != "Instruction" && cache.level >= 3 && cache.level > level && !cache.cpus.empty()) {
      level = cache.level;
      lowest = cache.cpus.front();
    }
  return lowest < 0 ? -1 - socket : lowest;
}

HostCpu cpu_of(int number) {
  const std::string folder = cpu_folder + "cpu" + std::to_string(number) + "/topology/";
  HostCpu cpu;
  cpu.number = number;
  cpu.socket = int(std::max(number_in(folder + "physical_package_id", 0), 0l));
  cpu.core = int(number_in(folder + "core_id", number));
  cpu.cluster = int(number_in(folder + "cluster_id", cpu.core));
  cpu.die = die_of(number, cpu.socket);
  return cpu;
}

/// How many parts each group has, if all have as many; else 0.
template <typename Group, typename Part>
int parts_of_each(const std::map<Group, std::set<Part>>& groups) {
  const std::size_t parts = groups.begin()->second.size();
  const bool alike =
      std::ranges::all_of(groups, [&](const auto& group) { return group.second.size() == parts; });
  return alike ? int(parts) : 0;
}

} // namespace

void count_levels(HostMachine& machine, const std::vector<HostCpu>& all) {
  using Core = std::pair<int, int>; // core_id is unique within its socket
  std::map<int, std::set<int>> dies_of_socket;
  std::map<int, std::set<Core>> cores_of_die;
  std::map<Core, std::set<int>> threads_of_core;
  for (const HostCpu& cpu : all) {
    dies_of_socket[cpu.socket].insert(cpu.die);
    cores_of_die[cpu.die].insert({cpu.socket, cpu.core});
    threads_of_core[{cpu.socket, cpu.core}].insert(cpu.number);
  }
  machine.sockets = int(dies_of_socket.size());
  machine.dies_per_socket = parts_of_each(dies_of_socket);
  machine.cores_per_die = parts_of_each(cores_of_die);
  machine.threads_per_core = parts_of_each(threads_of_core);
  machine.regular = std::size_t(machine.sockets) * std::size_t(machine.dies_per_socket) *
                        std::size_t(machine.cores_per_die) * std::size_t(machine.threads_per_core) ==
                    all.size();
  if (!machine.regular) {
    machine.sockets = machine.dies_per_socket = machine.threads_per_core = 1;
    machine.cores_per_die = int(all.size());
  }
  machine.threads_last =
      machine.threads_per_core > 1 && std::ranges::none_of(threads_of_core, [](const auto& core) {
        return core.second.contains(*core.second.begin() + 1);
      });
}

void read_topology(HostMachine& machine, const std::vector<int>& allowed) {
  std::vector<int> online = numbers_of(first_line(cpu_folder + "online"));
  if (online.empty()) online = allowed;
  machine.online_cpus = int(online.size());
  std::vector<HostCpu> all;
  for (const int number : online) {
    all.push_back(cpu_of(number));
    if (std::ranges::find(allowed, number) != allowed.end()) machine.cpus.push_back(all.back());
  }
  if (machine.cpus.empty())
    for (const int number : allowed)
      machine.cpus.push_back(cpu_of(number));
  machine.caches = caches_of(machine.cpus.front().number);
  count_levels(machine, all);
}

} // namespace mmsim::host
