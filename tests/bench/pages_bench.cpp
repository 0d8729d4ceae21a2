// What physical memory costs the host: the start of a large machine, and allocations a second.
//
//   build/bench/pages_bench
//   build/bench/pages_bench --benchmark_filter=start
//
// start/1024/1024     a machine of 1024 cores on 8 sockets with 1024 GiB and a kernel on it, from nothing to
//                     ready to run: issue 4 wants less than 5 s and 1 GiB of host memory (`MiB`: what the
//                     process grew by)
// allocator           the scenario on one CPU, bursts of 32, everything that a run measures included: `M/s`
//                     is millions of allocations (each with its free) a second of the host's processor time;
//                     issue 4 wants 10
// pcp_pair            one allocation and one free through a per-CPU list and the engine's clock, without the
//                     scenario's measuring: `ns`
//
// `measuring` in the row of the allocator is what recording two operations adds to a pair, as a ratio to
// pcp_pair, both measured one right after the other, so that it means something on a busy machine. Processor
// time, since others may use the machine too. SimGrid allows one engine a process, so every measurement runs in a child.

#include "scenarios/run_point.hpp"
#include "scenarios/scenario.hpp"
#include "tests/bench/measured_in_child.hpp"

#include <benchmark/benchmark.h>
#include <cstdio>
#include <time.h>
#include <unistd.h>

namespace {

using namespace mmsim;

double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

struct Measured {
  double seconds = 0, amount = 0;
};

Measured start_machine(std::int64_t cores, std::int64_t gib) {
  Configuration configuration;
  configuration.set("machine.sockets", std::int64_t{8});
  configuration.set("machine.clusters_per_die", cores / 8);
  configuration.set("machine.cores_per_cluster", std::int64_t{1});
  configuration.set("machine.memory", std::to_string(gib) + " GiB");
  Measured measured;
  const double before = resident_bytes(), start = cpu_seconds();
  Engine engine;
  Counters counters;
  System system(engine, configuration, counters, static_cast<std::uint32_t>(cores), 1);
  measured.seconds = cpu_seconds() - start;
  measured.amount = resident_bytes() - before;
  return measured;
}

Measured allocator_scenario() {
  Configuration configuration;
  configuration.set("scenario.name", std::string("allocator"));
  configuration.set("kernel.pcp_batch", std::int64_t{63});
  configuration.set("run.operations", std::int64_t{10'000'000});
  configuration.set("run.warmup", std::string("1 us"));
  const double start = cpu_seconds();
  const PointResult result = run_point(configuration);
  if (result.status != PointStatus::done) return {};
  return {cpu_seconds() - start, static_cast<double>(result.counters[Counter::pgalloc])};
}

Measured pcp_pairs() {
  Configuration configuration;
  configuration.set("kernel.pcp_batch", std::int64_t{63});
  Engine engine;
  Counters counters;
  Machine machine(engine, configuration, counters, 1);
  SpinLocks locks(machine, configuration);
  PageAllocator pages(machine, locks, configuration);
  Ledger ledger;
  Core& core = machine.core(CoreId(0));
  core.set_ledger(&ledger);
  Measured measured;
  engine.spawn("cpu 0", [&] {
    constexpr int rounds = 200'000, burst = 32;
    FrameNumber frames[burst];
    const double start = cpu_seconds();
    for (int round = 0; round < rounds; ++round) {
      for (FrameNumber& frame : frames) {
        frame = pages.alloc_page(core);
        core.settle();
      }
      for (const FrameNumber frame : frames) {
        pages[frame].refcount = 0;
        pages.free_page(core, frame);
        core.settle();
      }
    }
    measured = {cpu_seconds() - start, double{rounds} * burst};
  });
  engine.run();
  return measured;
}

bool failed(benchmark::State& state, const Measured& measured) {
  if (measured.amount != 0) return false;
  state.SkipWithError("the child process failed");
  return true;
}

void start(benchmark::State& state) {
  double mebibytes = 0;
  for (auto _ : state) {
    const Measured measured =
        measured_in_child([&] { return start_machine(state.range(0), state.range(1)); });
    if (failed(state, measured)) return;
    state.SetIterationTime(measured.seconds);
    mebibytes = measured.amount / (1 << 20);
  }
  state.counters["MiB"] = mebibytes;
}

void allocator(benchmark::State& state) {
  Measured with, without;
  for (auto _ : state) {
    const Measured scenario = measured_in_child(allocator_scenario);
    const Measured plain = measured_in_child(pcp_pairs);
    if (failed(state, scenario) || failed(state, plain)) return;
    state.SetIterationTime(scenario.seconds);
    with.seconds += scenario.seconds, with.amount += scenario.amount;
    without.seconds += plain.seconds, without.amount += plain.amount;
  }
  state.counters["M/s"] = with.amount / with.seconds / 1e6;
  state.counters["measuring"] = with.seconds / with.amount / (without.seconds / without.amount);
}

void pcp_pair(benchmark::State& state) {
  Measured all;
  for (auto _ : state) {
    const Measured measured = measured_in_child(pcp_pairs);
    if (failed(state, measured)) return;
    state.SetIterationTime(measured.seconds);
    all.seconds += measured.seconds, all.amount += measured.amount;
  }
  state.counters["ns"] = all.seconds / all.amount * 1e9;
}

} // namespace

BENCHMARK(start)->Args({8, 1})->Args({1024, 1024})->UseManualTime()->Iterations(1);
BENCHMARK(allocator)->UseManualTime()->Iterations(3);
BENCHMARK(pcp_pair)->UseManualTime()->Iterations(3);

BENCHMARK_MAIN();
