#include "cli/host/host_validation.hpp"

#include "cli/host/kernel_calibration.hpp"

#include <algorithm>
#include <cmath>

namespace mmsim::host {

std::optional<double> HostRow::error() const {
  if (!measured.measured() || measured.median <= 0) return std::nullopt;
  return simulated_ns / measured.median - 1;
}

HostVerdict HostRow::verdict() const {
  const std::optional<double> off = error();
  if (!off) return HostVerdict::unmeasured;
  if (uncertainty() > bound) return HostVerdict::uncounted;
  return std::abs(*off) <= bound ? HostVerdict::ok : HostVerdict::miss;
}

double HostRow::uncertainty() const { return (measured.high - measured.low) / 2 / measured.median; }

bool HostRow::counts() const {
  const HostVerdict is = verdict();
  return !calibrated && is != HostVerdict::uncounted && is != HostVerdict::unmeasured;
}

double bound_of(const KernelOperation& operation) { return operation.operation == "fork" ? 0.15 : 0.25; }

std::vector<KernelOperation> validation_operations() {
  using Kind = KernelWorkload::Kind;
  std::vector<KernelOperation> result;
  const auto add = [&](const char* name, Kind kind, std::initializer_list<std::uint64_t> sizes,
                       bool sharer = false) {
    for (const std::uint64_t pages : sizes)
      result.push_back({{kind, pages, 0, sharer}, name});
  };
  add("fork", Kind::fork, {512, 2048, 4096, 8192, 16384});
  add("exit", Kind::fork, {512, 2048, 4096, 8192, 16384});
  add("exit", Kind::storm, {512, 2048});
  add("demand_fault", Kind::map, {16, 64, 256, 512, 8192});
  add("demand_fault", Kind::read, {1024});
  add("demand_fault", Kind::threads, {64, 512});
  add("cow_fault", Kind::fork, {512, 2048});
  add("cow_fault", Kind::storm, {64, 512, 2048});
  add("munmap", Kind::map, {16, 64, 256, 512, 8192});
  add("munmap", Kind::map, {16, 64, 512}, true);
  add("munmap", Kind::read, {1024});
  add("mprotect", Kind::protect, {64});
  add("mprotect", Kind::protect, {64}, true);
  return result;
}

std::vector<KernelWorkload> workloads_of(const std::vector<KernelOperation>& operations) {
  std::vector<KernelWorkload> result;
  for (const KernelOperation& operation : operations)
    if (std::ranges::find(result, operation.workload) == result.end()) result.push_back(operation.workload);
  return result;
}

std::vector<HostRow> side_by_side(const std::vector<KernelOperation>& operations,
                                  const std::vector<MeasuredOperation>& measured,
                                  const std::vector<std::string>& settings, const Simulator& simulator) {
  const std::vector<KernelWorkload> workloads = workloads_of(operations);
  std::vector<SimulatedWorkload> simulations;
  for (const KernelWorkload& workload : workloads)
    simulations.push_back({workload, settings});
  const SimulatedTimes times = simulator(simulations);
  std::vector<HostRow> rows;
  for (const KernelOperation& operation : operations) {
    const auto found = std::ranges::find(measured, operation, &MeasuredOperation::operation);
    if (found == measured.end()) continue;
    const auto workload = std::size_t(std::ranges::find(workloads, operation.workload) - workloads.begin());
    const std::vector<std::string> names = operations_of(operation.workload.kind);
    const auto name = std::size_t(std::ranges::find(names, operation.operation) - names.begin());
    rows.push_back({operation, found->measured, times.at(workload).at(name), bound_of(operation),
                    is_calibrated(operation)});
  }
  return rows;
}

std::string_view case_of(const KernelOperation& operation) {
  using Kind = KernelWorkload::Kind;
  const KernelWorkload& w = operation.workload;
  if (operation.operation == "fork") return "host-fork";
  if (operation.operation == "exit") return w.kind == Kind::storm ? "host-exit-own" : "host-exit-shared";
  if (operation.operation == "cow_fault") return w.kind == Kind::storm ? "host-cow-storm" : "host-cow-reuse";
  if (operation.operation == "munmap" && w.kind == Kind::read) return "host-munmap-zero";
  if (operation.operation == "munmap") return w.sharer ? "host-munmap-sharer" : "host-munmap";
  if (operation.operation == "mprotect") return w.sharer ? "host-mprotect-sharer" : "host-mprotect";
  if (w.kind == Kind::threads) return "host-fault-threads";
  return w.kind == Kind::read ? "host-fault-read" : "host-fault-write";
}

} // namespace mmsim::host
