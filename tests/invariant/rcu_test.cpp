// Do callbacks wait for all readers, and do they all run?

#include "sim/engine/random.hpp"
#include "tests/support/kernel_world.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

namespace mmsim::tests::rcu_test {
namespace {

using namespace literals;
using testing::HasSubstr;

// Every reader has a number. A callback notes who is inside when it is queued, and looks again when it runs.
struct Readers {
  std::vector<std::uint64_t> inside; // by CPU: the number of the reader, 0 if there is none
  std::uint64_t last = 0;
};

struct Watching final : RcuCallback {
  Watching(Readers& readers) : readers(readers), seen(readers.inside) {}
  void run(Core& core) override {
    for (std::size_t cpu = 0; cpu < seen.size(); ++cpu)
      if (seen[cpu] != 0 && readers.inside[cpu] == seen[cpu])
        throw Violation("reader " + std::to_string(seen[cpu]) + " is still inside on cpu " +
                        std::to_string(cpu));
    EXPECT_EQ(core.id(), queued_on);
    ++runs;
  }
  Readers& readers;
  std::vector<std::uint64_t> seen;
  CoreId queued_on{};
  int runs = 0;
};

// Tasks on all cores but the last, which idles, read, run user code, sleep, queue callbacks and wait.
std::vector<std::int64_t> random_run(const Settings& settings, std::uint32_t cpus, std::uint64_t seed) {
  return in_child([&] {
    KernelWorld w(cpus, settings, Engine::Options{true, seed % 3}, seed);
    Rcu& rcu = w.system.rcu();
    Readers readers;
    readers.inside.resize(cpus);
    std::deque<Watching> callbacks;
    const auto queue = [&](Core& core) {
      core.settle();
      Watching& callback = callbacks.emplace_back(readers);
      callback.queued_on = core.id();
      rcu.call(core, callback);
    };
    for (std::uint32_t i = 0; i + 1 < cpus; ++i)
      for (int k = 0; k < 2; ++k)
        spawn_process_at_boot(w.system, "task", CoreId(i), [&, i, k](Task& task) {
          RandomStream random(seed, "task " + std::to_string(2 * i + static_cast<std::uint32_t>(k)));
          for (int turn = 0; turn < 60; ++turn) {
            Core& core = task.core();
            switch (random.below(std::uint64_t{5})) {
            case 0:
            case 1: {
              core.settle();
              rcu.read_lock(core);
              const std::uint64_t outer = readers.inside[core.id().value()] = ++readers.last;
              core.charge(random.exponential(turn % 10 == 0 ? 3_ms : 20_us), Account::work);
              if (random.below(std::uint64_t{8}) == 0) queue(core); // nobody forbids that
              core.settle();
              EXPECT_EQ(readers.inside[core.id().value()], outer);
              readers.inside[core.id().value()] = 0;
              rcu.read_unlock(core);
              break;
            }
            case 2:
              run_user(w.system, task, random.exponential(400_us));
              break;
            case 3:
              queue(core);
              break;
            case 4:
              if (random.below(std::uint64_t{4}) == 0) {
                const std::vector<std::uint64_t> seen = readers.inside;
                rcu.synchronize(task);
                for (std::size_t cpu = 0; cpu < seen.size(); ++cpu)
                  EXPECT_TRUE(seen[cpu] == 0 || readers.inside[cpu] != seen[cpu]);
              } else {
                w.system.scheduler.yield(task);
              }
            }
          }
          exit_task(w.system, task);
        }).bound = true;
    w.engine.run();
    w.system.check_invariants();
    std::int64_t once = 0;
    for (const Watching& callback : callbacks)
      once += callback.runs == 1;
    const bool failed = testing::Test::HasFailure();
    return std::vector<std::int64_t>{static_cast<std::int64_t>(callbacks.size()), once,
                                     static_cast<std::int64_t>(w.count(Counter::rcu_grace_periods)), failed};
  });
}

class RcuKind : public testing::TestWithParam<const char*> {};

TEST_P(RcuKind, RunsEveryCallbackOnceAfterAllReadersThatWereInsideHaveLeft) {
  for (const std::uint64_t seed : {1u, 2u, 3u, 4u, 5u, 6u})
    for (const std::int64_t leaf : {2, 16})
      for (const std::uint32_t cpus : {2u, 7u}) {
        const auto numbers = random_run({{"kernel.rcu", GetParam()},
                                         {"kernel.hz", std::int64_t{2000}},
                                         {"kernel.rcu_fanout_leaf", leaf},
                                         {"kernel.rcu_fanout", std::int64_t{2}}},
                                        cpus, seed);
        EXPECT_GT(numbers[0], 10);
        EXPECT_EQ(numbers[1], numbers[0]);
        EXPECT_GT(numbers[2], 3);
        EXPECT_FALSE(numbers[3]);
      }
}

TEST_P(RcuKind, EndsTheRunIfAReaderSleeps) {
  KernelWorld w(2,
                {{"kernel.rcu", GetParam()}, {"run.lockdep", false}}); // which would be the first to find it
  spawn_process_at_boot(w.system, "sleeper", CoreId(0), [&](Task& task) {
    w.system.rcu().read_lock(task.core());
    w.system.scheduler.block(task, Account::schedule, nullptr);
  });
  EXPECT_THAT(violation_of([&] { w.engine.run(); }), HasSubstr("sleeper sleeps or gives up the core inside"));
}

TEST_P(RcuKind, EndsTheRunIfAReaderWaitsForItself) {
  KernelWorld w(2, {{"kernel.rcu", GetParam()}});
  spawn_process_at_boot(w.system, "updater", CoreId(0), [&](Task& task) {
    w.system.rcu().read_lock(task.core());
    w.system.rcu().synchronize(task);
  });
  EXPECT_THAT(violation_of([&] { w.engine.run(); }), HasSubstr("it would wait for itself"));
}

TEST_P(RcuKind, EndsTheRunIfAReaderLeavesThatNeverEntered) {
  KernelWorld w(1, {{"kernel.rcu", GetParam()}});
  spawn_process_at_boot(w.system, "updater", CoreId(0),
                        [&](Task& task) { w.system.rcu().read_unlock(task.core()); });
  EXPECT_THAT(violation_of([&] { w.engine.run(); }), HasSubstr("rcu_read_unlock() without"));
}

INSTANTIATE_TEST_SUITE_P(Kinds, RcuKind, testing::Values("classic", "tree"),
                         [](const auto& info) { return std::string(info.param); });

} // namespace
} // namespace mmsim::tests::rcu_test
