// What per-CPU counters and reference counts cost, and how large a batch is.
#include "models/locks/percpu_counter.hpp"
#include "models/locks/shared_count.hpp"
#include "tests/support/child.hpp"
#include "tests/support/line_costs.hpp"
#include "tests/support/locks_world.hpp"

#include <gtest/gtest.h>

namespace mmsim::percpu_counter_test {
namespace {

using namespace literals;

Duration time_of(Core& core, const std::function<void()>& body) {
  core.settle();
  const Instant start = core.now();
  body();
  core.settle();
  return core.now() - start;
}

std::int64_t batch(const char* version, std::int64_t nr_cpus, std::int64_t online) {
  return tests::in_child([&] {
    LocksWorld world("queued", 1, online);
    world.configuration.set("kernel.percpu_counter_batch", std::string(version), {});
    world.configuration.set("kernel.nr_cpus", nr_cpus, {});
    return std::vector{PercpuCounter(world.machine, world.locks, world.configuration, "fbc").batch()};
  })[0];
}

TEST(PercpuCounter, Of2_6_24HasABatchByTheCpusThatTheKernelWasCompiledFor) {
  EXPECT_EQ(batch("nr_cpus", 4, 2), 16);
  EXPECT_EQ(batch("nr_cpus", 15, 2), 60);
  EXPECT_EQ(batch("nr_cpus", 16, 2), 32);
  EXPECT_EQ(batch("nr_cpus", 32, 8), 64);
  EXPECT_EQ(batch("nr_cpus", 4, 24), 48) << "no kernel runs on more than it was compiled for";
}

TEST(PercpuCounter, Of5_10HasABatchByTheCpusOnline) {
  EXPECT_EQ(batch("online", 4, 1), 32);
  EXPECT_EQ(batch("online", 4, 16), 32);
  EXPECT_EQ(batch("online", 4, 17), 34);
  EXPECT_EQ(batch("online", 4, 64), 128);
}

TEST(PercpuCounter, CostsItsOwnLineForAnAdditionAndTheGlobalOneOnlyEveryBatch) {
  LocksWorld world("queued", 1, 4);
  const ClusterLineCosts costs(world.machine);
  PercpuCounter counter(world.machine, world.locks, world.configuration, "fbc");
  Duration small{}, large{}, read{}, sum{};
  std::int64_t seen = -1, exact = 0;
  world.on(0, [&](Core& core) {
    counter.add(core, 32); // and every line has been here once
    counter.sum(core);
    small = time_of(core, [&] { counter.add(core, 31); });
    read = time_of(core, [&] { seen = counter.read(core); });
    sum = time_of(core, [&] { exact = counter.sum(core); });
    large = time_of(core, [&] { counter.add(core, 1); });
    EXPECT_EQ(counter.read(core), 64);
  });
  world.engine.run();
  const Duration locked = (costs.hit + costs.atomic) + costs.hit;
  EXPECT_EQ(small, costs.hit + (costs.hit + costs.atomic));
  EXPECT_EQ(read, costs.hit);
  EXPECT_EQ(seen, 32) << "31 are on the CPU's own line";
  EXPECT_EQ(exact, 63);
  EXPECT_EQ(sum, locked + costs.hit + 4 * costs.hit);
  EXPECT_EQ(large, costs.hit + locked + 2 * costs.hit);
}

TEST(PercpuCounter, IsReadWithoutTouchingTheLinesOfOtherCpusAndSummedByFetchingThem) {
  LocksWorld world("queued", 1, 2);
  const ClusterLineCosts costs(world.machine);
  PercpuCounter counter(world.machine, world.locks, world.configuration, "fbc");
  Duration read{}, sum{};
  world.on(1, [&](Core& core) { counter.add(core, 5); });
  world.on(0, [&](Core& core) {
    counter.add(core, 32);
    core.charge(10_us, Account::work);
    read = time_of(core, [&] { counter.read(core); });
    sum = time_of(core, [&] { EXPECT_EQ(counter.sum(core), 37); });
  });
  world.engine.run();
  EXPECT_EQ(read, costs.hit);
  EXPECT_EQ(sum, (costs.hit + costs.atomic) + costs.hit + costs.hit + costs.transfer + costs.hit);
}

TEST(SharedCount, CostsOneAtomicAccessAReferenceAndATransferIfAnotherCoreHadTheLast) {
  LocksWorld world("queued", 1, 2);
  const ClusterLineCosts costs(world.machine);
  SharedCount users("mm_users", 1);
  Duration own{}, fetched{};
  world.on(0, [&](Core& core) {
    users.increment(core);
    own = time_of(core, [&] { users.increment(core); });
  });
  world.on(1, [&](Core& core) {
    core.charge(10_us, Account::work);
    fetched = time_of(core, [&] { EXPECT_FALSE(users.decrement_and_test(core)); });
  });
  world.engine.run();
  EXPECT_EQ(own, costs.hit + costs.atomic);
  EXPECT_EQ(fetched, costs.transfer + costs.atomic);
  EXPECT_EQ(users.value(), 2);
}

} // namespace
} // namespace mmsim::percpu_counter_test
