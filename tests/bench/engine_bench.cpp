// How many events a second, side by side: stock SimGrid actors, this engine, and a bare std::priority_queue
// as the limit.
//
//   build/bench/engine_bench                                  # stock/N engine/N limit/N for N = 1, 16, 256,
//   1024 build/bench/engine_bench --benchmark_filter=engine/256
//
// N sleepers each sleep again and again for delays drawn log-uniformly from 1 ns to 10 us. SimGrid allows one
// engine a process, so every measurement runs in a child process and reports back its own wall time and
// number of events.

#include "sim/engine/engine.hpp"
#include "tests/bench/measured_in_child.hpp"

#include <algorithm>
#include <benchmark/benchmark.h>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <memory>
#include <queue>
#include <random>
#include <simgrid/s4u.hpp>
#include <string_view>
#include <unistd.h>

namespace {

using Clock = std::chrono::steady_clock;
struct Measured {
  double seconds = 0;
  double events = 0;
};

/// Delays in picoseconds, drawn once so that drawing is not what is measured.
const std::vector<std::int64_t>& delays() {
  static const std::vector<std::int64_t> drawn = [] {
    std::mt19937_64 random(1);
    std::uniform_real_distribution<double> exponent(3, 7);
    std::vector<std::int64_t> values(1 << 14);
    for (auto& value : values)
      value = static_cast<std::int64_t>(std::pow(10.0, exponent(random)));
    return values;
  }();
  return drawn;
}

Measured timed(std::int64_t events, const auto& body) {
  const auto start = Clock::now();
  body();
  return {std::chrono::duration<double>(Clock::now() - start).count(), static_cast<double>(events)};
}

Measured stock(int sleepers, std::int64_t events) {
  int argc = 2;
  char name[] = "stock", quiet[] = "--log=root.thres:critical";
  char* argv[] = {name, quiet, nullptr};
  simgrid::s4u::Engine engine(&argc, argv);
  simgrid::s4u::Engine::set_config("surf/precision", 1e-4);
  auto* zone = simgrid::s4u::create_star_zone("zone");
  auto* host = zone->create_host("host", 1.0);
  zone->seal();
  for (int i = 0; i < sleepers; ++i)
    simgrid::s4u::Actor::create("sleeper", host, [i, sleepers, events] {
      for (std::int64_t k = 0; k < events / sleepers; ++k)
        simgrid::s4u::this_actor::sleep_for(static_cast<double>(delays()[(k + i * 37) & 16383]) / 1000.0);
    });
  return timed(events, [&] { engine.run(); });
}

Measured engine(int sleepers, std::int64_t events) {
  mmsim::Engine engine;
  for (int i = 0; i < sleepers; ++i)
    engine.spawn("sleeper", [i, sleepers, events, &engine] {
      for (std::int64_t k = 0; k < events / sleepers; ++k)
        engine.wait_until(engine.now() + mmsim::Duration(delays()[(k + i * 37) & 16383]));
    });
  return timed(events, [&] { engine.run(); });
}

Measured limit(int sleepers, std::int64_t events) {
  using Entry = std::pair<std::int64_t, std::int64_t>;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> queue;
  std::vector<std::int64_t> done(sleepers, 0);
  for (int i = 0; i < sleepers; ++i)
    queue.emplace(0, i);
  return timed(events, [&] {
    for (std::int64_t k = 0; k < events; ++k) {
      auto [time, who] = queue.top();
      queue.pop();
      queue.emplace(time + delays()[(done[who]++ + who * 37) & 16383], who);
    }
    benchmark::DoNotOptimize(queue.top());
  });
}

void run(benchmark::State& state, Measured (*body)(int, std::int64_t), std::int64_t events) {
  double seconds = 0, carried = 0;
  for (auto _ : state) {
    const Measured measured =
        measured_in_child([&] { return body(static_cast<int>(state.range(0)), events); });
    if (measured.events == 0) {
      state.SkipWithError("the child process failed");
      return;
    }
    state.SetIterationTime(measured.seconds);
    seconds += measured.seconds;
    carried += measured.events;
  }
  state.counters["events/s"] = carried / seconds;
  state.counters["ns/event"] = seconds / carried * 1e9;
}

} // namespace

BENCHMARK_CAPTURE(run, stock, stock, 400'000)
    ->Name("stock")
    ->Arg(1)
    ->Arg(16)
    ->Arg(256)
    ->Arg(1024)
    ->UseManualTime();
BENCHMARK_CAPTURE(run, engine, engine, 4'000'000)
    ->Name("engine")
    ->Arg(1)
    ->Arg(16)
    ->Arg(256)
    ->Arg(1024)
    ->UseManualTime();
BENCHMARK_CAPTURE(run, limit, limit, 4'000'000)
    ->Name("limit")
    ->Arg(1)
    ->Arg(16)
    ->Arg(256)
    ->Arg(1024)
    ->UseManualTime();

namespace {

/// Reports "engine/16" as just that: the library would add "/manual_time" to every name.
class PlainNames final : public benchmark::BenchmarkReporter {
 public:
  explicit PlainNames(benchmark::BenchmarkReporter& inner) : inner_(inner) {}
  bool ReportContext(const Context& context) override {
    inner_.SetOutputStream(&GetOutputStream());
    inner_.SetErrorStream(&GetErrorStream());
    return inner_.ReportContext(context);
  }
  void ReportRuns(const std::vector<Run>& reported) override {
    std::vector<Run> runs = reported;
    for (Run& each : runs)
      each.run_name.time_type.clear();
    inner_.ReportRuns(runs);
  }
  void Finalize() override { inner_.Finalize(); }

 private:
  benchmark::BenchmarkReporter& inner_;
};

} // namespace

int main(int argc, char** argv) {
  const bool to_file = std::any_of(argv, argv + argc, [](const char* argument) {
    return std::string_view(argument).starts_with("--benchmark_out=");
  });
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  const std::unique_ptr<benchmark::BenchmarkReporter> console(benchmark::CreateDefaultDisplayReporter());
  PlainNames display(*console);
  benchmark::JSONReporter json;
  PlainNames file(json);
  benchmark::RunSpecifiedBenchmarks(&display, to_file ? &file : nullptr);
}
