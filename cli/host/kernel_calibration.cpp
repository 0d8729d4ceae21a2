#include "cli/host/kernel_calibration.hpp"

#include <algorithm>

namespace mmsim::host {
namespace {

using Kind = KernelWorkload::Kind;
constexpr KernelWorkload fork_nothing{Kind::fork, 0}, fork_areas{Kind::fork, 0, 256},
    fork_pages{Kind::fork, 4096};
constexpr KernelWorkload read_zero{Kind::read, hot_pages}, map_hot{Kind::map, hot_pages};
constexpr KernelWorkload read_table{Kind::read, 512}, storm_cold{Kind::storm, cold_pages};
constexpr KernelWorkload map_one{Kind::map, 1}, map_some{Kind::map, 256}, map_cold{Kind::map, cold_pages};
constexpr KernelWorkload map_one_shared{Kind::map, 1, 0, true};
constexpr KernelWorkload protect_one{Kind::protect, 1}, protect_some{Kind::protect, 16},
    protect_table{Kind::protect, 512};

} // namespace

std::string host_kernel(const HostMachine& machine) { return machine.arm() ? "6.4" : "host-x86"; }

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
      {"page.zero", 260, {map_cold, "demand_fault"}, "what clearing a page takes that is in no near cache"},
      {"page.copy", 480, {storm_cold, "cow_fault"}, "what copying a page takes that is in no near cache"},
      {"work.pte_clear", 14, {read_table, "munmap"}, "what clearing an entry adds to munmap"},
      {"work.munmap", 500, {map_one, "munmap"}, "the fixed part of munmap"},
      {"work.lru_del", 10, {map_some, "munmap"}, "what giving a page of its own back adds to munmap"},
      {"line.dram", 95, {map_cold, "munmap"}, "what struct pages that left the cache add to munmap"},
      {"work.mprotect", 300, {protect_one, "mprotect"}, "the fixed part of mprotect"},
      {"tlbi.page", 60, {protect_some, "mprotect"}, "what a page adds to a flush page by page"},
      {"work.pte_set", 15, {protect_table, "mprotect"}, "what a page adds to mprotect"},
      {"ipi.deliver",
       300,
       {map_one_shared, "munmap"},
       "what a thread of the process on another CPU adds to munmap"},
  };
  return all;
}

std::vector<KernelWorkload> calibration_workloads() {
  std::vector<KernelWorkload> workloads{{Kind::map, warm_pages}};
  for (const Calibration& calibration : kernel_calibrations())
    if (std::ranges::find(workloads, calibration.from.workload) == workloads.end())
      workloads.push_back(calibration.from.workload);
  return workloads;
}

bool is_calibrated(const KernelOperation& operation) {
  return std::ranges::any_of(kernel_calibrations(),
                             [&](const Calibration& one) { return one.from == operation; }) ||
         operation == KernelOperation{{Kind::map, warm_pages}, "demand_fault"};
}

} // namespace mmsim::host
