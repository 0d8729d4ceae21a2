// What a simulated fork of a large process costs the host: nanoseconds a page and bytes a frame.
//
//   build/bench/fork_bench
//
// The real kernel takes 64 ns a page for a fork of 1,048,576 resident pages on the machine of
// ../shared/references/host.csv (F1): below that, the simulation runs faster than the thing. Set-up (faulting
// the pages in) is not part of the time. `bytes/frame` is what the host's resident memory grew by from before
// the machine was built to after the fork, without page tables, for each frame of the process. SimGrid allows
// one engine a process, so every measurement runs in a child.

#include "models/operations/map.hpp"
#include "models/operations/process.hpp"
#include "models/operations/user.hpp"
#include "tests/bench/measured_in_child.hpp"

#include <benchmark/benchmark.h>
#include <chrono>
#include <cstdio>
#include <unistd.h>

namespace {

struct Measured {
  double seconds = 0;
  double bytes_per_frame = 0;
};

Measured fork_once(std::uint64_t pages) {
  using namespace mmsim;
  Measured measured;
  const double before = resident_bytes();
  Engine engine;
  Counters counters;
  Configuration configuration;
  configuration.set("machine.memory", std::string("16 GiB"));
  System system(engine, configuration, counters, 1, 1);
  spawn_process_at_boot(system, "parent", CoreId(0), [&](Task& task) {
    const PageNumber first = mmap(system, task, pages);
    for (std::uint64_t page = 0; page < pages; ++page)
      touch(system, task, first + page, AccessKind::write);
    const auto start = std::chrono::steady_clock::now();
    fork(system, task, CoreId(0), [&](Task& child) { exit_task(system, child); });
    task.core().settle();
    measured.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    measured.bytes_per_frame =
        (resident_bytes() - before - static_cast<double>(system.table_pages.host_bytes())) /
        static_cast<double>(pages);
    exit_task(system, task);
  });
  engine.run();
  system.check_invariants();
  return measured;
}

void fork_pages(benchmark::State& state) {
  const auto pages = static_cast<std::uint64_t>(state.range(0));
  double seconds = 0, bytes = 0;
  for (auto _ : state) {
    const Measured measured = measured_in_child([&] { return fork_once(pages); });
    if (measured.seconds == 0) {
      state.SkipWithError("the child process failed");
      return;
    }
    state.SetIterationTime(measured.seconds);
    seconds += measured.seconds;
    bytes = measured.bytes_per_frame;
  }
  state.counters["ns/page"] =
      seconds / static_cast<double>(state.iterations()) / static_cast<double>(pages) * 1e9;
  state.counters["bytes/frame"] = bytes;
}

} // namespace

BENCHMARK(fork_pages)->Name("fork")->Arg(1024)->Arg(65'536)->Arg(1'048'576)->UseManualTime()->Iterations(5);

BENCHMARK_MAIN();
