// What contention costs the host: N cores on one lock against N cores with a lock each.
//
//   build/bench/lock_bench                                          # every lock, 16 to 1024 cores
//   build/bench/lock_bench --benchmark_filter='ticket/256'          # with lockdep off (/0) and on (/1)
//   build/bench/lock_bench --benchmark_filter=one_event_a_reread    # run.batch_rereads = false: the slow reference
//
// Dies of 32 cores, four to a socket; each core thinks 200 ns and holds the lock for 100 ns, both exponential. No
// kernel around it. What a row says, of the host's processor time (others may
// use the machine too) after a start-up that is not counted:
//
//   own events/s, own ns/lock      every core has a lock of its own on a line of its own: nobody waits
//   one events/s, one ns/handover  all want one lock; from 64 cores on every acquisition is a hand-over to a waiter
//   events/handover                what the engine carries for one
//   ratio                          one events/s / own events/s: issue 3 wants a third at 256 cores
//
// Events are Engine::events(): wake-ups, callbacks and advances of a lone fiber. Re-reads that a batch computes
// (line_spinners.hpp) are none, except of those who wake. So compare batches with one event a re-read by the
// hand-over, not by the event: the hand-overs are the same ones.
//
// One row measures both, one right after the other, so that `ratio` means something on a busy machine.
// SimGrid allows one engine a process, so every measurement runs in a child.

#include "models/locks/spinlock.hpp"
#include "sim/engine/random.hpp"
#include "sim/machine/machine.hpp"
#include "tests/bench/measured_in_child.hpp"

#include <algorithm>
#include <benchmark/benchmark.h>
#include <deque>
#include <string>
#include <time.h>

namespace {

using namespace mmsim;

struct Scheme {
  const char* lock;
  bool batches = true;
  bool all_wake =
      false; ///< a hand-over costs the host a time that grows with the cores: measure fewer of them
  std::uint64_t acquisitions(std::uint32_t cores) const { return all_wake ? 2'000'000 / cores : 400'000; }
};

struct Measured {
  double seconds = 0, events = 0, acquisitions = 0;
  double ns() const { return seconds / acquisitions * 1e9; }
  double events_per_second() const { return events / seconds; }
};

double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

Configuration configured(const Scheme& scheme, std::uint32_t cores, bool lockdep) {
  Configuration configuration;
  const std::uint32_t dies = std::max(1u, cores / 32), sockets = std::max(1u, dies / 4);
  configuration.set("machine.sockets", std::int64_t{sockets});
  configuration.set("machine.dies_per_socket", std::int64_t{dies / sockets});
  configuration.set("machine.clusters_per_die", std::int64_t{cores / dies / 4});
  configuration.set("machine.cores_per_cluster", std::int64_t{4});
  configuration.set("kernel.spinlock", std::string(scheme.lock));
  configuration.set("run.lockdep", lockdep);
  configuration.set("run.batch_rereads", scheme.batches);
  return configuration;
}

/// Drawn once, so that drawing is not what is measured.
std::vector<Duration> exponential(Duration mean, const char* what) {
  RandomStream random(1, what);
  std::vector<Duration> values(4096);
  for (Duration& value : values)
    value = random.exponential(mean);
  return values;
}

Measured run(const Scheme& scheme, std::uint32_t cores, bool lockdep, bool one_lock) {
  const Configuration configuration = configured(scheme, cores, lockdep);
  Engine engine;
  Counters counters;
  Machine machine(engine, configuration, counters, cores);
  SpinLocks factory(machine, configuration);
  std::deque<Ledger> ledgers(cores);
  std::vector<std::unique_ptr<SpinLock>> locks;
  for (std::uint32_t i = 0; i < (one_lock ? 1 : cores); ++i)
    locks.push_back(factory.make("lock"));
  const std::vector<Duration> think = exponential(Duration(200'000), "think"),
                              hold = exponential(Duration(100'000), "hold");

  double started = 0;
  std::uint64_t events_before = 0, taken = 0;
  const std::uint64_t measured = one_lock ? scheme.acquisitions(cores) : 400'000;
  const std::uint64_t start_up = 4 * cores, all = start_up + measured;
  Measured result;
  for (std::uint32_t i = 0; i < cores; ++i) {
    Core& core = machine.core(CoreId(i));
    core.set_ledger(&ledgers[i]);
    engine.spawn("cpu", [&, i] {
      SpinLock& lock = *locks[one_lock ? 0 : i];
      for (std::size_t round = i * 37;; ++round) {
        core.charge(think[round & 4095], Account::work);
        lock.lock(core);
        if (++taken == start_up) {
          events_before = engine.events();
          started = cpu_seconds();
        } else if (taken == all) {
          result.seconds = cpu_seconds() - started;
          result.events = static_cast<double>(engine.events() - events_before);
          result.acquisitions = static_cast<double>(measured);
          engine.stop();
        }
        core.charge(hold[round & 4095], Account::work);
        lock.unlock(core);
      }
    });
  }
  engine.run();
  engine.dismiss_fibers();
  return result;
}

Measured& operator+=(Measured& sum, const Measured& other) {
  sum.seconds += other.seconds;
  sum.events += other.events;
  sum.acquisitions += other.acquisitions;
  return sum;
}

void contended(benchmark::State& state, const Scheme& scheme) {
  const auto cores = static_cast<std::uint32_t>(state.range(0));
  const bool lockdep = state.range(1) != 0;
  Measured own, one;
  for (auto _ : state) {
    const Measured alone = measured_in_child([&] { return run(scheme, cores, lockdep, false); });
    const Measured together = measured_in_child([&] { return run(scheme, cores, lockdep, true); });
    if (alone.events == 0 || together.events == 0) {
      state.SkipWithError("the child process failed");
      return;
    }
    state.SetIterationTime(together.seconds);
    own += alone;
    one += together;
  }
  state.counters["own events/s"] = own.events_per_second();
  state.counters["own ns/lock"] = own.ns();
  state.counters["one events/s"] = one.events_per_second();
  state.counters["one ns/handover"] = one.ns();
  state.counters["events/handover"] = one.events / one.acquisitions;
  state.counters["ratio"] = one.events_per_second() / own.events_per_second();
}

const std::vector<std::vector<std::int64_t>> cores_and_lockdep{{16, 64, 256, 1024}, {0, 1}};

} // namespace

BENCHMARK_CAPTURE(contended, tas, Scheme{.lock = "tas", .all_wake = true})
    ->Name("tas")
    ->ArgsProduct(cores_and_lockdep)
    ->UseManualTime()
    ->Iterations(3);
BENCHMARK_CAPTURE(contended, ticket, Scheme{.lock = "ticket"})
    ->Name("ticket")
    ->ArgsProduct(cores_and_lockdep)
    ->UseManualTime()
    ->Iterations(3);
BENCHMARK_CAPTURE(contended, queued, Scheme{.lock = "queued"})
    ->Name("queued")
    ->ArgsProduct(cores_and_lockdep)
    ->UseManualTime()
    ->Iterations(3);
BENCHMARK_CAPTURE(contended, one_event_a_reread, Scheme{.lock = "ticket", .batches = false, .all_wake = true})
    ->Name("ticket_with_one_event_a_reread")
    ->ArgsProduct({{16, 64, 256, 1024}, {0}})
    ->UseManualTime()
    ->Iterations(1);

BENCHMARK_MAIN();
