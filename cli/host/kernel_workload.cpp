#include "cli/host/kernel_workload.hpp"

namespace mmsim::host {

std::vector<std::string> operations_of(KernelWorkload::Kind kind) {
  switch (kind) {
  case KernelWorkload::Kind::fork:
  case KernelWorkload::Kind::storm:
    return {"fork", "exit", "cow_fault"};
  case KernelWorkload::Kind::map:
  case KernelWorkload::Kind::read:
    return {"demand_fault", "munmap"};
  case KernelWorkload::Kind::threads:
    return {"demand_fault"};
  case KernelWorkload::Kind::protect:
    return {"mprotect"};
  }
  return {};
}

std::string title_of(const KernelOperation& operation) {
  using Kind = KernelWorkload::Kind;
  const KernelWorkload& workload = operation.workload;
  const bool storm = workload.kind == Kind::storm, read = workload.kind == Kind::read;
  const std::string beside = workload.sharer ? ", beside a second thread" : "";
  if (operation.operation == "fork")
    return workload.empty_areas > 0 ? "fork of a process with empty areas" : "fork of written pages";
  if (operation.operation == "exit") return storm ? "exit with pages of its own" : "exit with shared pages";
  if (operation.operation == "cow_fault")
    return storm ? "COW storm, a fault" : "COW fault that takes a page over";
  if (operation.operation == "munmap") return (read ? "munmap of the zero page" : "munmap") + beside;
  if (operation.operation == "mprotect") return "mprotect" + beside;
  if (workload.kind == Kind::threads) return "demand-zero fault of two threads";
  return read ? "read fault of the zero page" : "demand-zero fault";
}

} // namespace mmsim::host
