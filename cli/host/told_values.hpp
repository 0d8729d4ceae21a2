// Values of a machine file that the architecture, /sys and CPUID tell.
#pragma once

#include <optional>
#include <vector>

#include "cli/host/host_machine.hpp"
#include "cli/host/machine_value.hpp"

namespace mmsim::host {

/// Cores, memory, caches, zones, and what follows from the architecture.
std::vector<MachineValue> told_values(const HostMachine& machine);

struct TlbGeometry {
  int l1_entries = 0, l1_ways = 0, l2_entries = 0, l2_ways = 0;
};
/// Of TLBs for data pages of 4 KiB, as CPUID tells (Intel: leaf 18H; AMD: leaves 8000_0005H and 8000_0006H).
std::optional<TlbGeometry> told_tlb();

/// The smallest part of the topology that holds both CPUs, as a key of machine.interconnect: "cluster",
/// "die", "socket" or "system". Hyperthreads of a core are a cluster; without any, the cores of a die are.
const char* level_of(const HostMachine& machine, const HostCpu& one, const HostCpu& other);

} // namespace mmsim::host
