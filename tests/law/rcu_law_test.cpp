// Do RCU readers scale, and what decides how long an updater waits?

#include "tests/support/kernel_world.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace mmsim::tests::rcu_law_test {
namespace {

using namespace literals;

// The longest and the shortest time that a CPU needs for 200 readers of 50 ns, all CPUs at the same time.
std::vector<std::int64_t> reader_times(std::uint32_t cpus, const std::string& kind) {
  return in_child([&] {
    KernelWorld w(cpus, {{"kernel.rcu", kind}});
    std::vector<std::int64_t> times;
    for (std::uint32_t i = 0; i < cpus; ++i)
      spawn_process_at_boot(w.system, "reader", CoreId(i), [&](Task& task) {
        Core& core = task.core();
        core.settle();
        const Instant start = task.now();
        for (int n = 0; n < 200; ++n) {
          w.system.rcu().read_lock(core);
          core.charge(50_ns, Account::work);
          w.system.rcu().read_unlock(core);
        }
        times.push_back((task.now() - start).count());
        exit_task(w.system, task);
      }).bound = true;
    w.engine.run();
    return std::vector<std::int64_t>{*std::min_element(times.begin(), times.end()),
                                     *std::max_element(times.begin(), times.end())};
  });
}

TEST(RcuReaders, CostTheSameOn1AndOn256Cpus) {
  for (const char* kind : {"classic", "tree"}) {
    const auto one = reader_times(1, kind), many = reader_times(256, kind);
    EXPECT_EQ(Duration(one[0]), 200 * 50_ns) << kind;
    EXPECT_EQ(many[0], one[0]) << kind;
    EXPECT_EQ(many[1], one[0]) << kind;
  }
}

// Mean wait of one updater while the other CPUs do kernel work that lasts `stretch` and then yield.
Duration mean_wait(const std::string& kind, Duration stretch) {
  const auto numbers = in_child([&] {
    KernelWorld w(8, {{"kernel.rcu", kind}, {"kernel.hz", std::int64_t{1000}}});
    bool over = false;
    Duration waited{};
    constexpr int rounds = 10;
    spawn_process_at_boot(w.system, "updater", CoreId(0), [&](Task& task) {
      for (int i = 0; i < rounds; ++i) {
        run_user(w.system, task, 700_us);
        const Instant start = task.now();
        w.system.rcu().synchronize(task);
        waited += task.now() - start;
      }
      over = true;
      exit_task(w.system, task);
    }).bound = true;
    for (std::uint32_t i = 1; i < 8; ++i)
      spawn_process_at_boot(w.system, "worker", CoreId(i), [&](Task& task) {
        while (!over) {
          task.core().charge(stretch, Account::work);
          task.core().settle();
          w.system.scheduler.yield(task);
        }
        exit_task(w.system, task);
      }).bound = true;
    w.engine.run();
    return std::vector<std::int64_t>{waited.count() / rounds};
  });
  return Duration(numbers[0]);
}

TEST(RcuGracePeriods, TakeAFewTicksWhereCpusSwitchAndAsLongAsTheKernelIsBusyWhereTheyDoNot) {
  for (const char* kind : {"classic", "tree"}) {
    const Duration often = mean_wait(kind, 50_us), rarely = mean_wait(kind, 20_ms);
    EXPECT_GT(often, 1_ms) << kind;
    EXPECT_LT(often, 8_ms) << kind;
    EXPECT_GT(rarely, 15_ms) << kind;
    EXPECT_LT(rarely, 50_ms) << kind;
  }
}

} // namespace
} // namespace mmsim::tests::rcu_law_test
