#include "cli/host/host_machine.hpp"

#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "cli/host/host_surroundings.hpp"
#include "cli/host/host_topology.hpp"
#include "cli/host/pinning.hpp"
#include "cli/host/system_files.hpp"

namespace mmsim::host {
namespace {

/// Names of Arm's parts, which /proc/cpuinfo gives as numbers (Arm's MIDR_EL1 of each core's TRM).
std::string arm_part(const std::string& implementer, const std::string& part) {
  struct Known {
    const char *implementer, *part, *name;
  };
  static constexpr Known known[] = {
      {"0x41", "0xd03", "Arm Cortex-A53"},  {"0x41", "0xd08", "Arm Cortex-A72"},
      {"0x41", "0xd0b", "Arm Cortex-A76"},  {"0x41", "0xd0c", "Arm Neoverse N1"},
      {"0x41", "0xd40", "Arm Neoverse V1"}, {"0x41", "0xd49", "Arm Neoverse N2"},
      {"0x41", "0xd4f", "Arm Neoverse V2"}, {"0x48", "0xd01", "HiSilicon TaiShan v110"},
      {"0xc0", "0xac3", "Ampere Altra"},    {"0xc0", "0xac4", "Ampere AmpereOne"},
      {"0x50", "0x000", "Ampere eMAG"},
  };
  for (const Known& each : known)
    if (implementer == each.implementer && part == each.part) return each.name;
  return "Arm core, implementer " + implementer + ", part " + part;
}

std::string model_name(const std::string& architecture) {
  const char* cpuinfo = "/proc/cpuinfo";
  if (std::string name = value_of(cpuinfo, "model name"); !name.empty()) return name;
  const std::string implementer = value_of(cpuinfo, "CPU implementer");
  if (!implementer.empty()) return arm_part(implementer, value_of(cpuinfo, "CPU part"));
  if (std::string name = first_line("/proc/device-tree/model"); !name.empty()) return name;
  return "unknown " + architecture;
}

void read_clock(HostMachine& machine) {
  const long khz = number_in("/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq", 0);
  const double mhz = std::atof(value_of("/proc/cpuinfo", "cpu MHz").c_str());
  if (khz > 0) {
    machine.clock_hz = 1e3 * double(khz);
    machine.clock_how = "cpufreq/cpuinfo_max_freq";
  } else if (mhz > 0) {
    machine.clock_hz = 1e6 * mhz;
    machine.clock_how = "/proc/cpuinfo";
  }
}

/// "madvise" of "always [madvise] never".
std::string chosen_of(const std::string& choices) {
  const auto begin = choices.find('['), end = choices.find(']');
  return begin == std::string::npos || end == std::string::npos ? "none"
                                                                : choices.substr(begin + 1, end - begin - 1);
}

} // namespace

std::vector<int> numbers_of(const std::string& list) {
  std::vector<int> result;
  for (const char* at = list.c_str(); *at;) {
    char* end;
    const long first = std::strtol(at, &end, 10);
    if (end == at) break;
    long last = first;
    if (*end == '-') last = std::strtol(end + 1, &end, 10);
    for (long number = first; number <= last; ++number)
      result.push_back(int(number));
    at = *end == ',' ? end + 1 : end;
  }
  return result;
}

HostMachine this_machine() {
  HostMachine machine;
  utsname name{};
  if (uname(&name) == 0) {
    machine.architecture = name.machine;
    machine.kernel = name.release;
  }
  machine.model = model_name(machine.architecture);
  read_topology(machine, allowed_cpus());
  read_clock(machine);
  machine.page_bytes = std::uint64_t(sysconf(_SC_PAGESIZE));
  machine.memory_bytes = std::uint64_t(sysconf(_SC_PHYS_PAGES)) * machine.page_bytes;
  machine.thp = chosen_of(first_line("/sys/kernel/mm/transparent_hugepage/enabled"));
  machine.hypervisor = hypervisor_seen();
  machine.container = container_seen();
  machine.can_pin = bool(Pinned(machine.cpus.front().number));
  return machine;
}

int HostMachine::partner_cpu() const {
  const auto strangeness = [&](const HostCpu& other) {
    const HostCpu& first = cpus.front();
    if (same_core(first.number, other.number)) return 4;
    return (first.socket != other.socket) * 2 + (first.die != other.die);
  };
  if (cpus.size() < 2) return -1;
  return std::ranges::min_element(cpus.begin() + 1, cpus.end(), {}, strangeness)->number;
}

bool HostMachine::same_core(int one, int other) const {
  const auto a = std::ranges::find(cpus, one, &HostCpu::number);
  const auto b = std::ranges::find(cpus, other, &HostCpu::number);
  return a != cpus.end() && b != cpus.end() && a->socket == b->socket && a->core == b->core;
}

} // namespace mmsim::host
