#include "cli/host/kernel_calibration.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace mmsim::host {
namespace {

using Kind = KernelWorkload::Kind;
constexpr KernelWorkload fork_nothing{Kind::fork, 0}, fork_areas{Kind::fork, 0, 256},
    fork_pages{Kind::fork, 4096};
constexpr KernelWorkload read_zero{Kind::read, hot_pages}, read_table{Kind::read, 512};
// Two pages are the fewest: of a single one the model's munmap takes longer than of two, the machine's does not.
constexpr KernelWorkload map_two{Kind::map, 2}, map_two_shared{Kind::map, 2, 0, true};
constexpr KernelWorkload map_hot{Kind::map, hot_pages}, map_some{Kind::map, 256},
    map_cold{Kind::map, cold_pages};
constexpr KernelWorkload protect_one{Kind::protect, 1}, protect_table{Kind::protect, 512};

} // namespace

std::string host_kernel(const HostMachine& machine) {
  int major = 0, minor = 0; // of "6.18.44-fc"; what cannot be read is taken as new
  const bool old = std::sscanf(machine.kernel.c_str(), "%d.%d", &major, &minor) == 2 &&
                   std::pair(major, minor) < std::pair(6, 4);
  if (machine.arm()) return old ? "6.1" : "6.4";
  return old ? "host-x86-6.1" : "host-x86";
}

const std::vector<Calibration>& kernel_calibrations() {
  static const std::vector<Calibration> all{
      {"work.task_create", 12'000, {fork_nothing, "fork"}, "what fork does beside areas and pages"},
      {"work.task_exit",
       9'000,
       {fork_nothing, "exit"},
       "what exit does beside areas and pages, to the parent's wait()"},
      {"work.vma_dup", 260, {fork_areas, "fork"}, "what an area without pages adds to fork"},
      {"work.pte_copy", 35, {fork_pages, "fork"}, "what a written page adds to fork"},
      {"work.page_unref", 12, {fork_pages, "exit"}, "what a shared page adds to exit"},
      {"work.fault_handle",
       180,
       {read_zero, "demand_fault"},
       "the fixed part of a fault, beside entry.fault"},
      {"work.pcp_alloc", 25, {map_hot, "demand_fault"}, "what getting and charging a page adds to a fault"},
      {"work.pte_clear", 14, {read_table, "munmap"}, "what clearing an entry adds to munmap"},
      {"work.munmap", 500, {map_two, "munmap"}, "the fixed part of munmap"},
      {"work.lru_del", 10, {map_some, "munmap"}, "what giving a page of its own back adds to munmap"},
      {"work.buddy_free",
       50,
       {map_cold, "munmap"},
       "what giving back more pages than a CPU keeps adds to munmap"},
      {"work.mprotect", 300, {protect_one, "mprotect"}, "the fixed part of mprotect"},
      {"work.pte_set", 15, {protect_table, "mprotect"}, "what a page adds to mprotect"},
      {"work.call_queue",
       12,
       {map_two_shared, "munmap"},
       "what a thread of the process on another CPU adds to munmap beside the interrupt"},
  };
  return all;
}

std::vector<KernelWorkload> calibration_workloads() {
  std::vector<KernelWorkload> workloads;
  for (const std::uint64_t pages : {hot_pages, warm_pages, cold_pages})
    workloads.push_back({Kind::map, pages});
  for (const Calibration& calibration : kernel_calibrations())
    if (std::ranges::find(workloads, calibration.from.workload) == workloads.end())
      workloads.push_back(calibration.from.workload);
  return workloads;
}

bool is_calibrated(const KernelOperation& operation) {
  const KernelWorkload& w = operation.workload;
  const bool of_cache = operation.operation == "demand_fault" && w.kind == Kind::map && !w.sharer &&
                        (w.pages == hot_pages || w.pages == warm_pages || w.pages == cold_pages);
  return of_cache || std::ranges::any_of(kernel_calibrations(),
                                         [&](const Calibration& one) { return one.from == operation; });
}

} // namespace mmsim::host
