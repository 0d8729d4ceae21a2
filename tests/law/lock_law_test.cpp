// Do contended locks scale as queueing theory and their coherence traffic say?
//
// The scenario `lock`: every CPU thinks, then takes the one lock. Nothing else is in its loop, so closed
// queueing results apply, with the hand-over between two cores as the formula tests of locks have it.

#include "tests/support/points.hpp"

#include <bit>
#include <gtest/gtest.h>

namespace mmsim::tests::lock_law_test {
namespace {

using namespace literals;
using Words = std::vector<std::string>;

/// A run without ticks.
PointResult lock_point(const std::string& kind, std::uint32_t cpus, const Words& more) {
  PointResult result = point(Words{"scenario.name=lock", "scenario.kind=" + kind,
                                   "run.cpus=" + std::to_string(cpus), "kernel.hz=1"} +
                             more);
  EXPECT_EQ(result.status, PointStatus::done) << result.message;
  return result;
}
double per_second(const PointResult& result) {
  std::uint64_t completed = 0;
  for (const OperationResult& operation : result.operations)
    completed += operation.completed;
  return static_cast<double>(completed) * 1e12 / static_cast<double>(result.measured.count());
}

/// Sixteen cores at one distance of each other, with the costs of the book.
const Words one_cluster{"machine.cores_per_cluster=16"};
struct Costs {
  Duration hit, atomic, transfer, rcu_callback;
};
Costs costs_of_one_cluster() {
  const Configuration configuration = load_configuration({}, one_cluster);
  const auto book = read_parameters<CostBook>(configuration);
  return {book.line.hit, book.line.atomic,
          book.line.transfer + read_parameters<TopologyParameters>(configuration).cluster,
          book.work.rcu_callback};
}
std::string in_ns(Duration duration) { return std::to_string(duration.count() / 1000) + " ns"; }

struct Kind {
  const char* name;
  Duration (*uncontended)(const Costs&, Duration hold); ///< its lines at hand
  Duration (*read)(const Costs&, Duration hold) = uncontended;
};
void PrintTo(const Kind& kind, std::ostream* out) { *out << kind.name; }

class AloneOnItsCpu : public testing::TestWithParam<Kind> {};

TEST_P(AloneOnItsCpu, AnAcquireCostsItsAccessesAndTheHold) {
  const Costs costs = costs_of_one_cluster();
  const Duration hold = 700_ns;
  const PointResult result =
      lock_point(GetParam().name, 1,
                 one_cluster + Words{"scenario.hold=" + in_ns(hold), "scenario.distribution=constant",
                                     "scenario.lines=0"});
  const OperationResult& acquire = result.operations.at(0);
  EXPECT_EQ(acquire.name, "acquire");
  EXPECT_GT(acquire.latency.count(), 100u);
  EXPECT_EQ(acquire.latency.min(), GetParam().uncontended(costs, hold));
  EXPECT_EQ(acquire.latency.max(), GetParam().uncontended(costs, hold));
  EXPECT_EQ(acquire.accounts[index(Account::lock_spin)] + acquire.accounts[index(Account::lock_sleep)] +
                acquire.accounts[index(Account::coherence)],
            0_ns);
}

TEST_P(AloneOnItsCpu, AReadCostsItsAccessesAndTheHoldIfThereIsOne) {
  const Costs costs = costs_of_one_cluster();
  const PointResult result = lock_point(
      GetParam().name, 1,
      one_cluster + Words{"scenario.hold=700 ns", "scenario.distribution=constant", "scenario.readers=1"});
  const OperationResult& read = result.operations.at(0);
  EXPECT_EQ(read.name, "read");
  EXPECT_EQ(read.latency.min(), GetParam().read(costs, 700_ns));
  EXPECT_EQ(read.latency.max(), GetParam().read(costs, 700_ns));
}

Duration a_load(const Costs& c, Duration) { return c.hit; }
Duration two_atomics(const Costs& c, Duration hold) { return 2 * (c.hit + c.atomic) + hold; }
// One takes it, a store gives it back.
Duration atomic_and_store(const Costs& c, Duration hold) { return c.hit + c.atomic + hold + c.hit; }
// Each way a spinlock and a store to the line that it is on.
Duration two_locked_stores(const Costs& c, Duration hold) {
  return 2 * (c.hit + c.atomic + 2 * c.hit) + hold;
}
// Its count; and its owner, whom a writer stores and clears, and a reader reads and stores.
Duration count_and_owner(const Costs& c, Duration hold) { return two_atomics(c, hold) + 2 * c.hit; }

INSTANTIATE_TEST_SUITE_P(
    Kinds, AloneOnItsCpu,
    testing::Values(
        Kind{"tas", [](const Costs& c, Duration hold) { return c.hit + atomic_and_store(c, hold); }},
        Kind{"ticket", atomic_and_store}, Kind{"queued", atomic_and_store}, Kind{"mutex", two_atomics},
        Kind{"rw_semaphore", count_and_owner}, Kind{"rwlock", atomic_and_store, two_atomics},
        Kind{"seqlock", [](const Costs& c, Duration hold) { return atomic_and_store(c, hold) + 2 * c.hit; },
             [](const Costs& c, Duration hold) { return c.hit + hold + c.hit; }},
        Kind{"rcu",
             [](const Costs& c, Duration hold) { return atomic_and_store(c, hold) + c.hit + c.rcu_callback; },
             [](const Costs& c, Duration hold) { return c.hit + hold; }},
        Kind{"refcount", two_atomics, a_load}, Kind{"semaphore", two_locked_stores},
        Kind{"atomic", [](const Costs& c, Duration) { return c.hit + c.atomic; }, a_load},
        Kind{"line", a_load, a_load}),
    [](const auto& info) { return std::string(info.param.name); });

struct Spinlock {
  const char* name;
  Duration (*hand_over)(const Costs&); ///< to the only one that waits: tests/formula/locks_test.cpp
};
void PrintTo(const Spinlock& lock, std::ostream* out) { *out << lock.name; }

class Saturated : public testing::TestWithParam<Spinlock> {};

// Two cores, one always waiting when the other releases.
TEST_P(Saturated, TwoCoresPassTheLockEveryHoldAndHandOver) {
  const Costs costs = costs_of_one_cluster();
  for (const std::int64_t lines : {0, 4}) {
    const Duration hold = 2_us;
    const PointResult result =
        lock_point(GetParam().name, 2,
                   one_cluster + Words{"scenario.hold=" + in_ns(hold), "scenario.think=500 ns",
                                       "scenario.distribution=constant", "run.duration=10 ms",
                                       "scenario.lines=" + std::to_string(lines)});
    const double period_ns =
        static_cast<double>((hold + GetParam().hand_over(costs) + lines * costs.transfer).count()) / 1000;
    EXPECT_NEAR(per_second(result) * period_ns / 1e9, 1, 0.01) << lines << " lines";
    const LockClassStats stats = result.counters.lock_class("test_lock");
    EXPECT_EQ(stats.con_bounces, stats.contended);
    EXPECT_EQ(stats.contended, stats.acquired);
  }
}

TEST_P(Saturated, ManyCoresDoSoToo) {
  const Costs costs = costs_of_one_cluster();
  const Duration hold = 20_us;
  const double period_ns = static_cast<double>((hold + GetParam().hand_over(costs)).count()) / 1000;
  for (const std::uint32_t cpus : {4u, 8u}) {
    const PointResult result =
        lock_point(GetParam().name, cpus,
                   one_cluster + Words{"scenario.hold=" + in_ns(hold), "scenario.think=2 us",
                                       "scenario.distribution=constant", "run.duration=10 ms"});
    EXPECT_NEAR(per_second(result) * period_ns / 1e9, 1, 0.05) << cpus;
  }
}

INSTANTIATE_TEST_SUITE_P(Spinlocks, Saturated,
                         testing::Values(Spinlock{"tas",
                                                  [](const Costs& c) { return 3 * c.transfer + c.atomic; }},
                                         Spinlock{"ticket", [](const Costs& c) { return 2 * c.transfer; }},
                                         Spinlock{"queued", [](const Costs& c) { return 3 * c.transfer; }}),
                         [](const auto& info) { return std::string(info.param.name); });

// Exponential think and hold: the machine-repairman model M/M/1//N, by mean-value analysis. A request finds
// what a system with one customer less has on average (Reiser and Lavenberg 1980).
TEST(MachineRepairman, PredictsLatencyAndThroughputOfTheQueuedLock) {
  const Costs costs = costs_of_one_cluster();
  const double think = 100, hold = 20; // us
  const double service = hold + static_cast<double>((3 * costs.transfer).count()) / 1e6;
  double queue = 0, response = 0, throughput = 0;
  for (std::uint32_t customers = 1; customers <= 16; ++customers) {
    response = service * (1 + queue);
    throughput = customers / (think + response);
    queue = throughput * response;
    if (customers == 1 || !std::has_single_bit(customers)) continue;
    const PointResult result = lock_point("queued", customers,
                                          one_cluster + Words{"scenario.think=100 us", "scenario.hold=20 us",
                                                              "run.warmup=2 ms", "run.duration=1 s"});
    const Histogram& latency = result.operations.at(0).latency;
    const double mean =
        static_cast<double>(latency.sum().count()) / static_cast<double>(latency.count()) / 1e6;
    EXPECT_NEAR(mean / response, 1, 0.05) << customers;
    EXPECT_NEAR(per_second(result) / 1e6 / throughput, 1, 0.05) << customers;
  }
}

const Words short_holds{"machine.base=kunpeng920-128", "scenario.hold=100 ns", "scenario.think=1 us",
                        "run.duration=2 ms", "run.warmup=500 us"};

// All who wait for a ticket read the line again after each release.
TEST(TicketLock, PassesOnMoreSlowlyTheMoreWait) {
  const double of_8 = per_second(lock_point("ticket", 8, short_holds));
  double last = of_8;
  for (const std::uint32_t cpus : {16u, 32u}) {
    const double now = per_second(lock_point("ticket", cpus, short_holds));
    EXPECT_LT(now, 0.9 * last) << cpus;
    last = now;
  }
  EXPECT_LT(last, 0.7 * of_8);
}

// Only two of the waiters ever look at the lock's line; the others wait on lines of their own.
TEST(QueuedLock, StaysFlatInsideADieAndDropsAtTheSocketBorder) {
  const double of_8 = per_second(lock_point("queued", 8, short_holds));
  for (const std::uint32_t cpus : {16u, 32u})
    EXPECT_NEAR(per_second(lock_point("queued", cpus, short_holds)) / of_8, 1, 0.1) << cpus;
  const double socket = per_second(lock_point("queued", 64, short_holds));
  EXPECT_LT(socket, of_8);
  EXPECT_LT(per_second(lock_point("queued", 128, short_holds)), 0.85 * socket);
}

TEST(TicketAndQueuedLocks, ServeAllCpusAlike) {
  for (const char* kind : {"ticket", "queued"})
    for (const std::uint32_t cpus : {2u, 16u}) {
      const PointResult result = lock_point(
          kind, cpus, short_holds + Words{"scenario.distribution=constant", "scenario.think=100 ns"});
      const auto most = static_cast<double>(result.counters[Counter::served_max]);
      const auto least = static_cast<double>(result.counters[Counter::served_min]);
      EXPECT_GT(least, 20) << kind;
      EXPECT_LE(most, 1.05 * least + 1) << kind << " " << cpus;
    }
}

TEST(Service, IsComparedAmongCpusThatDoTheSame) {
  const Words settings = one_cluster + Words{"scenario.distribution=constant"};
  const PointResult alone = lock_point("queued", 1, settings);
  EXPECT_EQ(alone.counters[Counter::served_max], alone.operations.at(0).completed);
  EXPECT_EQ(alone.counters[Counter::served_min], alone.operations.at(0).completed);
  const PointResult beside = lock_point("rw_semaphore", 3, settings + Words{"scenario.readers=2"});
  EXPECT_EQ(beside.counters[Counter::served_max], beside.operations.at(0).completed);
  EXPECT_EQ(beside.counters[Counter::served_min], beside.operations.at(0).completed);
  const PointResult four = lock_point("line", 4, one_cluster); // at random, so not all the same
  EXPECT_LT(4 * four.counters[Counter::served_min], four.operations.at(0).completed);
  EXPECT_GT(4 * four.counters[Counter::served_max], four.operations.at(0).completed);
  EXPECT_GT(four.counters[Counter::served_min], 0u);
}

struct Sharing {
  const char* kind;
  bool readers_share;
};
void PrintTo(const Sharing& row, std::ostream* out) { *out << row.kind; }
class EightCpus : public testing::TestWithParam<Sharing> {};

// Holds of 20 us and no thinking to speak of: who shares gets 8 holds at a time done, who excludes one.
TEST_P(EightCpus, ShareOrExcludeEachOther) {
  const Words settings = one_cluster + Words{"scenario.hold=20 us", "scenario.think=1 us",
                                             "run.duration=4 ms", "run.warmup=500 us"};
  const auto holds_at_a_time = [&](const Words& more) {
    return per_second(lock_point(GetParam().kind, 8, settings + more)) * 20e-6;
  };
  const double reading = holds_at_a_time({"scenario.readers=8"}), taking = holds_at_a_time({});
  if (GetParam().readers_share)
    EXPECT_NEAR(reading, 8, 0.8);
  else
    EXPECT_LT(reading, 1.05);
  EXPECT_LT(taking, 1.05);
  EXPECT_GT(std::min(reading, taking), 0.8);
}

INSTANTIATE_TEST_SUITE_P(Kinds, EightCpus,
                         testing::Values(Sharing{"rw_semaphore", true}, Sharing{"rwlock", true},
                                         Sharing{"seqlock", true}, Sharing{"rcu", true},
                                         Sharing{"mutex", false}, Sharing{"semaphore", false},
                                         Sharing{"queued", false}, Sharing{"tas", false}),
                         [](const auto& info) { return std::string(info.param.kind); });

// Its own line; every `batch` additions the lock too, and both lines under it.
TEST(PercpuCounter, TakesItsLockOnceABatchWhichTheKernelSays) {
  const Costs costs = costs_of_one_cluster();
  const auto additions_a_lock = [&](const Words& more) {
    const PointResult result = lock_point("percpu_counter", 1, one_cluster + more);
    const OperationResult& add = result.operations.at(0);
    EXPECT_EQ(add.latency.min(), costs.hit + (costs.hit + costs.atomic));
    EXPECT_EQ(add.latency.max(), costs.hit + (costs.hit + costs.atomic) + 2 * costs.hit + costs.hit);
    return static_cast<double>(add.completed) /
           static_cast<double>(result.counters.lock_class("test_counter").acquired);
  };
  EXPECT_NEAR(additions_a_lock({}), 32, 2);
  EXPECT_NEAR(additions_a_lock({"kernel.nr_cpus=64"}), 32, 2) << "of 5.10, by the CPUs online";
}

TEST(PercpuCounter, OfTheKernelsThatGoByNrCpusHasItsBatchFromThere) {
  for (const auto& [nr_cpus, batch] : {std::pair{"4", 16}, {"8", 32}, {"32", 64}}) {
    const PointResult result = lock_point(
        "percpu_counter", 1,
        one_cluster + Words{"kernel.percpu_counter_batch=nr_cpus", std::string("kernel.nr_cpus=") + nr_cpus});
    const auto acquired = static_cast<double>(result.counters.lock_class("test_counter").acquired);
    EXPECT_NEAR(static_cast<double>(result.operations.at(0).completed) / acquired, batch, 0.06 * batch);
  }
}

// A batch of 32: eight CPUs have nearly eight times the throughput of one, where a shared word has not.
TEST(PercpuCounter, LetsCpusAddBesideEachOther) {
  const Words settings = one_cluster + Words{"scenario.think=100 ns"};
  const auto gain = [&](const std::string& kind) {
    return per_second(lock_point(kind, 8, settings)) / per_second(lock_point(kind, 1, settings));
  };
  EXPECT_GT(gain("percpu_counter"), 7);
  EXPECT_LT(gain("atomic"), 6);
}

TEST(References, AreHeldByManyAtATime) {
  const double references = per_second(lock_point(
      "refcount", 8, one_cluster + Words{"scenario.hold=20 us", "scenario.think=1 us", "run.duration=4 ms"}));
  EXPECT_NEAR(references * 20e-6, 8, 0.8);
}

} // namespace
} // namespace mmsim::tests::lock_law_test
