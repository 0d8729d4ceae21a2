// What both the machine and the simulator are made to do: a small program around one kernel operation.
//
// Each is a scenario of the simulator with a twin in timed_workload.cpp that makes the same system calls and
// touches the same pages in the same order. Whoever changes one must change the other.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mmsim::host {

struct KernelWorkload {
  enum class Kind {
    fork,    ///< scenario fork: fork, the child exits at once, the parent writes its pages again
    storm,   ///< scenario cow: fork, then the parent and after it the child write all pages
    map,     ///< scenario munmap: map, write each page, unmap
    read,    ///< scenario munmap with reads: the zero page
    threads, ///< scenario page_fault, threads: two threads each map, write and unmap an area of their own
    protect, ///< scenario mprotect: take the permission to write, give it back, write each page
  };
  Kind kind;
  std::uint64_t pages; ///< fork, storm: resident and written; threads: of each thread
  /// fork: areas without pages beside the one with them.
  std::uint64_t empty_areas = 0;
  /// map, protect: a second thread of the process runs user code on another CPU; under map it has read the pages.
  bool sharer = false;

  unsigned cpus() const { return sharer || kind == Kind::threads ? 2 : 1; }
  auto operator<=>(const KernelWorkload&) const = default;
};

/// A workload and one of the operations that it times, by the scenario's name for it.
struct KernelOperation {
  KernelWorkload workload;
  std::string operation; ///< "fork", "exit", "cow_fault", "demand_fault", "munmap", "mprotect"
  auto operator<=>(const KernelOperation&) const = default;
};

/// "exit of a process with pages that it shares": without the size.
std::string title_of(const KernelOperation& operation);

/// The operations of a workload that are timed, in the order of timed_workload()'s results.
std::vector<std::string> operations_of(KernelWorkload::Kind kind);

} // namespace mmsim::host
