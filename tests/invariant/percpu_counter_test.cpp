// Random additions by tasks and interrupts on all CPUs: what they add up to is what the counter has.
#include "models/locks/percpu_counter.hpp"
#include "models/locks/shared_count.hpp"
#include "tests/support/locks_world.hpp"

#include <gtest/gtest.h>

namespace mmsim::percpu_counter_test {
namespace {

using namespace literals;

struct AddingHandler : InterruptHandler {
  AddingHandler(PercpuCounter& counter, RandomStream random) : counter(counter), random(std::move(random)) {}
  void handle(Core& core) override {
    const auto amount = static_cast<std::int64_t>(random.below(20)) - 10;
    counter.add(core, amount);
    added += amount;
    ++taken;
  }
  PercpuCounter& counter;
  RandomStream random;
  std::int64_t added = 0;
  int taken = 0;
};

struct RandomAdditions {
  RandomAdditions(const char* version, std::uint64_t seed, bool interrupts)
      : world("queued", 2, 3, Engine::Options{true, seed % 2 == 0 ? seed : 0}) {
    world.configuration.set("kernel.percpu_counter_batch", std::string(version), {});
    PercpuCounter counter(world.machine, world.locks, world.configuration, "fbc");
    AddingHandler handler(counter, RandomStream(seed, "handler"));
    world.machine.set_handler(Irq::tick, handler);
    const std::uint32_t cores = world.machine.cpus();
    std::uint32_t finished = 0;
    for (std::uint32_t id = 0; id < cores; ++id)
      world.on(id, [&, random = RandomStream(seed, "cpu " + std::to_string(id))](Core& core) mutable {
        for (int round = 0; round < 2000; ++round) {
          const auto amount = static_cast<std::int64_t>(random.below(12)) - 4;
          counter.add(core, amount);
          expected += amount;
          if (random.below(4) == 0) core.charge(random.exponential(200_ns), Account::work);
          if (random.below(200) == 0) {
            const std::int64_t off = counter.read(core) - counter.exact_now();
            farthest = std::max(farthest, std::abs(off));
            bound = std::int64_t{cores} * (counter.batch() - 1);
          }
          if (random.below(500) == 0) counter.sum(core);
          EXPECT_TRUE(core.preemptible());
        }
        core.settle();
        if (++finished == cores) total = counter.sum(core);
      });
    if (interrupts) world.interrupt_while([&] { return finished < cores; }, 200_ns, seed);
    world.engine.run();
    left = counter.exact_now();
    expected += handler.added;
    taken = handler.taken;
  }
  LocksWorld world;
  std::int64_t expected = 0, left = 0, total = 0, farthest = 0, bound = 0;
  int taken = 0;
};

class RandomPercpuCounter : public testing::TestWithParam<int> {};

TEST_P(RandomPercpuCounter, Of5_10LosesNothingToInterrupts) {
  const RandomAdditions run("online", static_cast<std::uint64_t>(GetParam()), true);
  EXPECT_EQ(run.left, run.expected);
  EXPECT_GT(run.taken, 300);
  EXPECT_GT(run.farthest, 0);
  EXPECT_LE(run.farthest, run.bound);
}
TEST_P(RandomPercpuCounter, Of2_6_24LosesNothingAmongTasks) {
  const RandomAdditions run("nr_cpus", static_cast<std::uint64_t>(GetParam()), false);
  EXPECT_EQ(run.left, run.expected);
  EXPECT_EQ(run.total, run.expected);
  EXPECT_LE(run.farthest, run.bound);
}
INSTANTIATE_TEST_SUITE_P(Seeds, RandomPercpuCounter, testing::Range(1, 5));

// Why such a counter was not for interrupts: an addition between the reading and the writing of a CPU's part
// is overwritten.
TEST(PercpuCounter, Of2_6_24LosesWhatAnInterruptAddsInBetween) {
  LocksWorld world("queued", 1, 1);
  world.configuration.set("kernel.percpu_counter_batch", std::string("nr_cpus"), {});
  PercpuCounter counter(world.machine, world.locks, world.configuration, "fbc");
  struct One : InterruptHandler {
    explicit One(PercpuCounter& counter) : counter(counter) {}
    void handle(Core& core) override { counter.add(core, 1); }
    PercpuCounter& counter;
  } one(counter);
  world.machine.set_handler(Irq::tick, one);
  world.on(0, [&](Core& core) {
    counter.add(core, 1);
    core.settle();
    world.engine.at(core.now() + core.costs().line.hit / 2, [&] { core.raise(Irq::tick); });
    counter.add(core, 1);
  });
  world.engine.run();
  EXPECT_EQ(counter.exact_now(), 2);
}

TEST(SharedCount, LetsExactlyOneOfManyDropTheLastReference) {
  LocksWorld world("queued", 2, 4);
  SharedCount users("mm_users", 8);
  int last = 0;
  for (std::uint32_t id = 0; id < 8; ++id)
    world.on(id, [&, random = RandomStream(1, "cpu " + std::to_string(id))](Core& core) mutable {
      for (int i = 0; i < 200; ++i) {
        core.charge(random.below(100_ns), Account::work);
        users.increment(core);
        core.charge(random.below(100_ns), Account::work);
        EXPECT_FALSE(users.decrement_and_test(core));
      }
      last += users.decrement_and_test(core);
    });
  world.engine.run();
  EXPECT_EQ(last, 1);
  EXPECT_EQ(users.value(), 0);
}

TEST(SharedCount, RefusesToDropBelowZero) {
  LocksWorld world("queued", 1, 1);
  SharedCount users("mm_users", 1);
  world.on(0, [&](Core& core) {
    EXPECT_TRUE(users.decrement_and_test(core));
    EXPECT_THROW(users.decrement_and_test(core), Violation);
  });
  world.engine.run();
}

} // namespace
} // namespace mmsim::percpu_counter_test
