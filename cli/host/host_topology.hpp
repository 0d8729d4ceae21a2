// Sockets, dies, cores, hyperthreads and caches, from /sys/devices/system/cpu.
#pragma once

#include <vector>

#include "cli/host/host_machine.hpp"

namespace mmsim::host {

/// Fills in cpus, online_cpus, caches and the numbers of the whole machine. `allowed` is not empty.
void read_topology(HostMachine& machine, const std::vector<int>& allowed);

/// The numbers of the whole machine (sockets to threads_per_core, threads_last, regular) from all its CPUs,
/// of which there is at least one.
void count_levels(HostMachine& machine, const std::vector<HostCpu>& all);

} // namespace mmsim::host
