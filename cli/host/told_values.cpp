#include "cli/host/told_values.hpp"

#include <algorithm>
#include <sstream>
#include <string>

#include "cli/host/system_files.hpp"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace mmsim::host {
namespace {

std::string size_text(std::uint64_t bytes) {
  for (const auto& [unit, name] : {std::pair{std::uint64_t(1) << 30, " GiB"},
                                   {std::uint64_t(1) << 20, " MiB"},
                                   {std::uint64_t(1) << 10, " KiB"}})
    if (bytes >= unit && bytes % unit == 0) return '"' + std::to_string(bytes / unit) + name + '"';
  return '"' + std::to_string(bytes) + " B\"";
}

void add_topology(const HostMachine& machine, std::vector<MachineValue>& values) {
  const bool threads = machine.threads_per_core > 1;
  const std::string sys = machine.regular ? "/sys/devices/system/cpu"
                                          : "sockets or cores are not alike: taken as one die of all CPUs";
  values.push_back(told_value("sockets", std::to_string(machine.sockets), sys));
  values.push_back(told_value("dies_per_socket", std::to_string(machine.dies_per_socket),
                              sys + ", groups of cores that share the last-level cache"));
  values.push_back(told_value("clusters_per_die", std::to_string(threads ? machine.cores_per_die : 1),
                              threads ? sys + ", cores: hyperthreads are a cluster" : sys));
  values.push_back(told_value("cores_per_cluster",
                              std::to_string(threads ? machine.threads_per_core : machine.cores_per_die),
                              threads ? sys + ", hyperthreads of a core" : sys));
  values.push_back(told_value("numbering", machine.threads_last ? "\"threads_last\"" : "\"compact\"", sys));
  if (machine.sockets > 1) {
    std::istringstream distances(first_line("/sys/devices/system/node/node0/distance"));
    int own = 0, other = 0;
    if (distances >> own >> other && other > 10 && other < 255)
      values.push_back(told_value("numa.distance", std::to_string(other), "/sys/devices/system/node"));
  } else {
    values.push_back(not_measured("numa.distance", "there is one socket"));
  }
}

void add_memory(const HostMachine& machine, std::vector<MachineValue>& values) {
  const std::uint64_t step = (std::uint64_t(64) << 20) * std::uint64_t(machine.sockets);
  if (machine.memory_bytes >= step)
    values.push_back(told_value("memory", size_text(machine.memory_bytes / step * step),
                                "what the kernel manages (sysconf), rounded down to 64 MiB a socket"));
  if (machine.architecture == "x86_64") {
    values.push_back(told_value("zones.dma", "\"16 MiB\"", "x86-64: ISA's 24 address bits"));
    if (machine.memory_bytes > std::uint64_t(4) << 30)
      values.push_back(told_value("zones.dma32", "\"4 GiB\"", "x86-64: below 4 GiB"));
  }
  std::uint64_t own = 0;
  for (const HostCache& cache : machine.caches)
    if (cache.type != "Instruction" && cache.cpus.size() <= std::size_t(machine.threads_per_core))
      own = std::max(own, cache.bytes);
  values.push_back(own ? told_value("cache.size", size_text(own), "the largest cache of a core's own, /sys")
                       : not_measured("cache.size", "/sys shows no cache of a core's own"));
  if (const std::string swap = value_of("/proc/meminfo", "SwapTotal"); !swap.empty())
    values.push_back(told_value("swap.size", size_text(std::strtoull(swap.c_str(), nullptr, 10) << 10),
                                "/proc/meminfo SwapTotal"));
}

void add_architecture(const HostMachine& machine, std::vector<MachineValue>& values) {
  if (machine.arm()) {
    values.push_back(told_value("tlb.broadcast", "true", "Armv8: TLBI ...IS"));
    return;
  }
  values.push_back(told_value("tlb.broadcast", "false", "x86 interrupts"));
  values.push_back(told_value("mmu.hardware_access_flag", "true", "x86 sets accessed and dirty bits"));
  values.push_back(told_value("mmu.hardware_dirty", "true", "x86 sets accessed and dirty bits"));
  values.push_back(told_value("ipi.targets_per_send", "1", "x86: Linux writes the ICR for each target"));
  values.push_back(told_value("tlbi.dsb", "\"1 ns\"",
                              "nothing, or next to it: x86 needs no barrier after INVLPG and writes of CR3"));
}

#if defined(__x86_64__)
/// Leaf 18H describes one TLB a subleaf.
std::optional<TlbGeometry> intel_tlb() {
  unsigned a, b, c, d;
  if (!__get_cpuid_count(0x18, 0, &a, &b, &c, &d)) return {};
  TlbGeometry found;
  const unsigned last = a;
  for (unsigned leaf = 0; leaf <= last; ++leaf) {
    __cpuid_count(0x18, leaf, a, b, c, d);
    const unsigned type = d & 31, level = d >> 5 & 7, ways = b >> 16;
    const int entries = int(ways * c);
    const bool small_pages = b & 1, loads = type == 1 || type == 3 || type == 4; // data, unified, load only
    if (!small_pages || !loads || entries == 0) continue;
    if (level == 1) found.l1_entries = entries, found.l1_ways = int(ways);
    if (level == 2) found.l2_entries = entries, found.l2_ways = int(ways);
  }
  if (found.l1_entries == 0 || found.l2_entries == 0) return {};
  return found;
}

int amd_ways(unsigned code, int entries) {
  static constexpr int ways[] = {0, 1, 2, 3, 4, 6, 8, 0, 16, 0, 32, 48, 64, 96, 128, 0};
  return code == 15 ? entries : ways[code];
}

std::optional<TlbGeometry> amd_tlb() {
  unsigned a, b, c, d;
  TlbGeometry found;
  if (!__get_cpuid(0x80000005, &a, &b, &c, &d)) return {};
  found.l1_entries = int(b >> 16 & 255);
  found.l1_ways = (b >> 24) == 255 ? found.l1_entries : int(b >> 24);
  if (!__get_cpuid(0x80000006, &a, &b, &c, &d)) return {};
  found.l2_entries = int(b >> 16 & 4095);
  found.l2_ways = amd_ways(b >> 28, found.l2_entries);
  if (found.l1_entries == 0 || found.l1_ways == 0 || found.l2_entries == 0 || found.l2_ways == 0) return {};
  return found;
}
#endif

} // namespace

std::optional<TlbGeometry> told_tlb() {
#if defined(__x86_64__)
  unsigned a, b, c, d;
  if (__get_cpuid(0, &a, &b, &c, &d) && b == 0x756e6547) return intel_tlb(); // "Genu"
  return amd_tlb();
#else
  return {};
#endif
}

std::vector<MachineValue> told_values(const HostMachine& machine) {
  std::vector<MachineValue> values;
  add_topology(machine, values);
  add_memory(machine, values);
  add_architecture(machine, values);
  return values;
}

const char* level_of(const HostMachine& machine, const HostCpu& one, const HostCpu& other) {
  if (!machine.regular) return "cluster";
  if (one.socket != other.socket) return "system";
  if (one.die != other.die) return "socket";
  return machine.threads_per_core > 1 && one.core != other.core ? "die" : "cluster";
}

} // namespace mmsim::host
