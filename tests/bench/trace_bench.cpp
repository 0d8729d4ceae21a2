// What a trace costs the host, off and on: events a second of the munmap scenario, set-up included.
//
//   build/bench/trace_bench
//   tests/bench/trace_cost.sh       # off, against a build without any hook: issue 7 wants less than 2 %
//
// `munmap/off` is what every run without --trace pays for the hooks: a look at a pointer each. `munmap/on` records the
// whole run in memory; the file is written afterwards and not counted. SimGrid allows one engine a process, so every
// measurement runs in a child. Processor time, since others may use the machine too.

#include "scenarios/run_point.hpp"
#include "tests/bench/measured_in_child.hpp"

#include <benchmark/benchmark.h>
#include <time.h>

namespace {

using namespace mmsim;

struct Measured {
  double seconds = 0, events = 0;
};

double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

Measured run_once(bool traced) {
  Configuration configuration;
  for (const auto& [path, value] :
       {std::pair{"scenario.name", "munmap"}, std::pair{"kernel.tlb_flush", "eager"},
        std::pair{"run.duration", "20 ms"}, std::pair{"machine.memory", "1 GiB"}})
    configuration.set(path, std::string(value));
  configuration.set("run.cpus", std::int64_t{4});
  Trace trace({TraceWindow{}, std::uint64_t{1} << 34});
  const double start = cpu_seconds();
  const PointResult result = run_point_watched(configuration, {.trace = traced ? &trace : nullptr});
  return {cpu_seconds() - start, static_cast<double>(result.events)};
}

void munmap(benchmark::State& state, bool traced) {
  double seconds = 0, events = 0;
  for (auto _ : state) {
    const Measured measured = measured_in_child([&] { return run_once(traced); });
    if (measured.events == 0) {
      state.SkipWithError("the child process failed");
      return;
    }
    state.SetIterationTime(measured.seconds);
    seconds += measured.seconds;
    events += measured.events;
  }
  state.counters["events/s"] = events / seconds;
}

BENCHMARK_CAPTURE(munmap, off, false)->Unit(benchmark::kMillisecond)->UseManualTime();
BENCHMARK_CAPTURE(munmap, on, true)->Unit(benchmark::kMillisecond)->UseManualTime();

} // namespace

BENCHMARK_MAIN();
