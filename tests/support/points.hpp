// Points run in child processes.
#pragma once

#include "cli/configuration_files.hpp"
#include "scenarios/run_point.hpp"
#include "tests/support/kernel_world.hpp"

#include <ostream>
#include <string>
#include <vector>

namespace mmsim::tests {

/// A short run of a point; `overrides` as after --set.
inline std::string point_json(std::vector<std::string> overrides) {
  overrides.insert(overrides.begin(), {"run.warmup=50 us", "run.duration=500 us", "machine.memory=256 MiB"});
  return text_in_child([&] {
    PointResult result = run_point(load_configuration({}, overrides));
    result.host_seconds = 0;
    return to_json(result);
  });
}
inline PointResult point(std::vector<std::string> overrides) {
  return point_result_from_json(point_json(std::move(overrides)));
}

struct NamedScenario {
  std::string name;
  std::vector<std::string> settings, operations;
};
inline void PrintTo(const NamedScenario& scenario, std::ostream* out) { *out << scenario.name; }
/// The scenarios of INTERFACES.md that exist, small enough for short runs, with the operations that they must
/// report.
inline const std::vector<NamedScenario> scenarios{
    {"fork", {"scenario.name=fork", "scenario.pages=16", "scenario.vmas=2"}, {"fork", "exit"}},
    {"cow", {"scenario.name=cow", "scenario.pages=8"}, {"fork", "cow_fault", "exit"}},
    {"munmap", {"scenario.name=munmap", "scenario.pages=2"}, {"mmap", "demand_fault", "munmap"}},
    {"lazy_tlb",
     {"scenario.name=lazy_tlb", "scenario.pages=4", "scenario.user_burst=5 us", "scenario.kernel_burst=5 us"},
     {"context_switch", "munmap"}},
    {"lock", {"scenario.name=lock", "scenario.readers=1", "scenario.lines=1"}, {"acquire", "read"}},
    {"allocator",
     {"scenario.name=allocator", "scenario.burst=40", "scenario.cold=0.25", "scenario.touch=zero",
      "scenario.think=2 us", "scenario.hold=500 ns"},
     {"alloc", "free"}},
    {"context_switch", {"scenario.name=context_switch", "scenario.working_set=8"}, {"context_switch"}},
    {"page_fault", {"scenario.name=page_fault", "scenario.pages=2"}, {"demand_fault", "munmap"}},
    {"gup_fork",
     {"scenario.name=gup_fork", "scenario.pages=16", "scenario.pin=4", "scenario.think=40 us",
      "scenario.hold=200 ns"},
     {"gup", "fork"}},
    {"ipi_storm", {"scenario.name=ipi_storm", "scenario.rate=20000"}, {"ipi"}},
    {"rmap_tree",
     {"scenario.name=rmap_tree", "scenario.pages=4", "scenario.children=2", "scenario.think=1 us",
      "machine.swap.size=16 MiB"},
     {"fork", "unmap_page"}},
    {"mprotect",
     {"scenario.name=mprotect", "scenario.pages=2", "scenario.stretch=3 us"},
     {"mprotect", "bystander"}},
    {"address_space", {"scenario.name=address_space", "scenario.pages=4"}, {"mremap", "bystander"}},
    {"address_space_vmalloc",
     {"scenario.name=address_space", "scenario.operation=vmalloc", "scenario.pages=4",
      "scenario.mode=processes", "kernel.vmalloc_lazy=8"},
     {"vmalloc", "vfree", "bystander"}},
    {"address_space_vfork",
     {"scenario.name=address_space", "scenario.operation=vfork", "scenario.pages=4"},
     {"vfork", "bystander"}},
    {"tlb_flush",
     {"scenario.name=tlb_flush", "scenario.mode=threads", "scenario.pages=4", "scenario.working_set=8"},
     {"flush"}},
    {"snapshot",
     {"scenario.name=snapshot", "scenario.pages=64", "scenario.writes=2", "scenario.think=1 us",
      "scenario.save=200 ns", "scenario.interval=50 us"},
     {"fork", "request", "cow_fault"}},
    {"reclaim", // of some 8000 free pages, all CPUs faster than kswapd
     {"scenario.name=reclaim", "scenario.processes=8", "scenario.think=0 ns", "machine.memory=38 MiB",
      "kernel.image=4 MiB", "kernel.min_free_kbytes=256", "machine.swap.size=256 MiB",
      "machine.swap.latency=2 us", "machine.swap.bandwidth=20 GB/s", "run.duration=5 ms"},
     {"demand_fault", "reclaim", "kswapd", "swap_in"}}};

inline std::vector<std::string> operator+(std::vector<std::string> a, const std::vector<std::string>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

} // namespace mmsim::tests
