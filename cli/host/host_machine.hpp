// What this machine is, as /proc and /sys say it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mmsim::host {

struct HostCpu {
  int number = 0;
  int socket = 0;  ///< physical_package_id
  int die = 0;     ///< those that share the last-level cache; any number
  int cluster = 0; ///< cluster_id; that of the core where the kernel does not say
  int core = 0;    ///< core_id, unique within a socket; CPUs of a core are hyperthreads
};

struct HostCache {
  int level = 0;
  std::string type; ///< "Data", "Instruction", "Unified"
  std::uint64_t bytes = 0;
  std::vector<int> cpus = {}; ///< that share it
};

struct HostMachine {
  std::string model;             ///< "Intel(R) Xeon(R) Processor", never empty
  std::string architecture;      ///< uname -m: "x86_64", "aarch64"
  std::vector<HostCpu> cpus;     ///< that this process may run on, by number; never empty
  int online_cpus = 1;           ///< of the whole machine
  std::vector<HostCache> caches; ///< of the first allowed CPU; empty if /sys does not say
  /// The whole machine, other CPUs included. Dies are groups of cores that share the last-level cache.
  int sockets = 1, dies_per_socket = 1, cores_per_die = 1, threads_per_core = 1;
  bool threads_last = false; ///< the second hyperthreads of all cores have the highest numbers
  bool regular = true;       ///< else sockets or cores differ, and the numbers above make one die of all CPUs
  double clock_hz = 0;       ///< 0: unknown
  std::string clock_how;     ///< where it comes from
  std::uint64_t memory_bytes = 0;
  std::uint64_t page_bytes = 4096;
  std::string kernel;     ///< uname -r
  std::string thp;        ///< "always", "madvise", "never"; "none" if the kernel has no huge pages
  std::string hypervisor; ///< its name, or "unknown"; empty: none is seen
  std::string container;  ///< "docker", "kubernetes", ...; empty: none is seen
  bool can_pin = true;    ///< sched_setaffinity works

  bool arm() const { return architecture == "aarch64" || architecture.starts_with("arm"); }
  /// The second CPU for what takes two: another core than cpus[0] if there is one, else its hyperthread;
  /// -1: none.
  int partner_cpu() const;
  /// Whether two allowed CPUs are hyperthreads of one core, as far as the kernel knows.
  bool same_core(int one, int other) const;
};

/// Reads it. What cannot be read stays unknown; throws nothing.
HostMachine this_machine();

/// "KVM guest", "container (docker) on bare metal as far as can be seen", ...
std::string what_surrounds(const HostMachine& machine);

} // namespace mmsim::host
