// What do readers cost each other, and what do writers cost them: seqlocks, RCU, rwlocks.

#include "models/locks/seqcount.hpp"
#include "tests/support/line_costs.hpp"
#include "tests/support/locks_world.hpp"
#include "tests/support/points.hpp"

#include <cmath>
#include <gtest/gtest.h>

namespace mmsim::tests::readers_law_test {
namespace {

using namespace literals;
using Words = std::vector<std::string>;

const Words wide{"machine.base=kunpeng920-128",
                 "machine.sockets=4",
                 "kernel.base=5.10",
                 "kernel.hz=1",
                 "run.warmup=500 us",
                 "scenario.name=lock",
                 "scenario.distribution=constant"};

OperationResult readers_only(const std::string& kind, int cpus, const Words& more) {
  const std::string count = std::to_string(cpus);
  const PointResult result =
      point(wide + Words{"scenario.kind=" + kind, "run.cpus=" + count, "scenario.readers=" + count} + more);
  EXPECT_EQ(result.status, PointStatus::done) << result.message;
  EXPECT_EQ(result.counters[Counter::seq_retry], 0u);
  return result.operations.at(0);
}
double mean_ps(const OperationResult& operation) {
  return static_cast<double>(operation.latency.sum().count()) /
         static_cast<double>(operation.latency.count());
}

TEST(SeqlockReaders, ScaleWithTheCoresWhereNobodyWrites) {
  const Words settings{"scenario.hold=200 ns", "scenario.think=200 ns", "run.duration=100 us"};
  const auto one = static_cast<double>(readers_only("seqlock", 1, settings).completed);
  for (const int cpus : {8, 64, 256})
    EXPECT_NEAR(static_cast<double>(readers_only("seqlock", cpus, settings).completed) / one, cpus,
                0.05 * cpus);
}

TEST(RcuReaders, CostTheSameOn1AndOn256CpusAndThoseOfAnRwlockFiftyTimesAsMuch) {
  const Words settings{"scenario.hold=0 ns", "scenario.think=1 us", "run.duration=50 us"};
  const OperationResult rcu_1 = readers_only("rcu", 1, settings),
                        rcu_256 = readers_only("rcu", 256, settings);
  EXPECT_GT(rcu_256.completed, 250 * rcu_1.completed);
  EXPECT_EQ(rcu_256.latency.min(), rcu_1.latency.min());
  EXPECT_EQ(rcu_256.latency.max(), rcu_1.latency.max());
  EXPECT_GT(mean_ps(readers_only("rwlock", 256, settings)),
            50 * mean_ps(readers_only("rwlock", 1, settings)));
}

// --- seqlocks with a writer: one that thinks for exponential times, readers that look for a constant time

struct SeqlockRun {
  double retries_per_read;
  Duration longest_write;
};
SeqlockRun seqlock_run(std::uint32_t readers, Duration look, Duration think, Duration write, int writes) {
  const auto numbers = in_child([&] {
    LocksWorld world("queued", 1, readers + 1);
    SeqLock lock(world.locks, "test_seqlock");
    bool over = false;
    std::int64_t reads = 0;
    Duration longest{};
    world.on(0, [&, random = RandomStream(1, "writer")](Core& core) mutable {
      for (int i = 0; i < writes; ++i) {
        core.charge(random.exponential(think), Account::work);
        core.settle();
        const Instant start = core.now();
        lock.write_seqlock(core);
        core.charge(write, Account::work);
        lock.write_sequnlock(core);
        longest = std::max(longest, core.now() - start);
      }
      over = true;
    });
    for (std::uint32_t i = 1; i <= readers; ++i)
      world.on(i, [&, random = RandomStream(1, std::to_string(i))](Core& core) mutable {
        while (!over) {
          core.charge(random.exponential(1_us), Account::work);
          std::uint32_t since;
          do {
            since = lock.read_seqbegin(core);
            core.charge(look, Account::work);
          } while (lock.read_seqretry(core, since));
          ++reads;
        }
      });
    world.engine.run();
    return std::vector<std::int64_t>{static_cast<std::int64_t>(world.counters[Counter::seq_retry]), reads,
                                     longest.count()};
  });
  return {static_cast<double>(numbers[0]) / static_cast<double>(numbers[1]), Duration(numbers[2])};
}

// A look begins while nobody writes, so it is in vain if a write begins before its end: with exponential gaps of
// mean g that is 1 - exp(-h / g), whenever in the gap the look begins. All looks of a read are of one length,
// hence exp(h / g) - 1 in vain a read. The duty cycle is w / (w + g).
TEST(SeqlockReaders, RetryAsOftenAsWritesBeginWithinALook) {
  const Duration write = 500_ns;
  for (const Duration think : {1_us, 2_us, 5_us, 20_us, 50_us})
    for (const Duration look : {500_ns, 1_us}) {
      const SeqlockRun run = seqlock_run(4, look, think, write, 20000);
      const double expected =
          std::exp(static_cast<double>(look.count()) / static_cast<double>(think.count())) - 1;
      EXPECT_NEAR(run.retries_per_read / expected, 1, 0.1)
          << "think " << think.count() << " ps, look " << look.count() << " ps";
    }
}

// However long they look, a writer meets readers at the line only: each of his four stores waits for as many
// loads as there are readers, at most.
TEST(SeqlockWriters, AreDelayedByLoadsAndNotByLooks) {
  const auto costs = in_child([] {
    const LocksWorld world("queued", 1, 9);
    const auto& line = world.machine.costs().line;
    return std::vector<std::int64_t>{
        (line.transfer + world.machine.topology().latency(Distance::cluster) + line.atomic).count()};
  });
  const Duration access(costs[0]), write = 500_ns;
  for (const Duration look : {100_ns, 10_us, 100_us}) {
    const Duration longest = seqlock_run(8, look, 2_us, write, 2000).longest_write;
    EXPECT_GT(longest, write) << look.count();
    EXPECT_LT(longest, write + 4 * (8 + 1) * access) << look.count();
  }
}

} // namespace
} // namespace mmsim::tests::readers_law_test
