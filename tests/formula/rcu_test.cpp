// How long does a grace period take, where the ticks say it exactly?

#include "tests/support/kernel_world.hpp"

#include <gtest/gtest.h>

namespace mmsim::tests::rcu_test {
namespace {

using namespace literals;

struct Noted final : RcuCallback {
  std::function<void(Core&)> body = [](Core&) {};
  void run(Core& core) override { body(core); }
};

Settings rcu(const std::string& kind, std::int64_t hz = 1000) {
  return {{"kernel.rcu", kind}, {"kernel.hz", hz}, {"kernel.tlb_flush", "broadcast"}};
}

TEST(Rcu, ReadersTakeNoTime) {
  KernelWorld w(1, rcu("tree"));
  Duration spent{1};
  spawn_process_at_boot(w.system, "reader", CoreId(0), [&](Task& task) {
    Core& core = task.core();
    core.settle();
    const Instant start = task.now();
    for (int i = 0; i < 100; ++i) {
      w.system.rcu().read_lock(core);
      w.system.rcu().read_lock(core);
      EXPECT_FALSE(core.preemptible());
      w.system.rcu().read_unlock(core);
      EXPECT_TRUE(w.system.rcu().in_reader(core.id()));
      w.system.rcu().read_unlock(core);
      EXPECT_TRUE(core.preemptible());
    }
    spent = task.now() - start;
    exit_task(w.system, task);
  });
  w.engine.run();
  EXPECT_EQ(spent, Duration{});
}

TEST(Rcu, OfTheTreeDoesNotWaitWhereThereIsOneCpu) {
  KernelWorld w(1, rcu("tree"));
  spawn_process_at_boot(w.system, "updater", CoreId(0), [&](Task& task) {
    task.core().settle();
    const Instant start = task.now();
    w.system.rcu().synchronize(task);
    EXPECT_EQ(task.now(), start);
    exit_task(w.system, task);
  });
  w.engine.run();
  EXPECT_EQ(w.count(Counter::rcu_grace_periods), 0u);
}

// User code on one CPU: the first tick after call() starts the batch and notices it, the second reports it,
// the third finds it over.
TEST(Rcu, OfOneBusyCpuRunsClassicCallbacksInTheThirdTick) {
  KernelWorld w(1, rcu("classic"));
  Duration waited{};
  bool ran = false;
  spawn_process_at_boot(w.system, "updater", CoreId(0), [&](Task& task) {
    run_user(w.system, task, 10_ms);
    Noted callback;
    const Instant queued = task.now();
    callback.body = [&](Core& core) {
      waited = core.now() - queued;
      ran = true;
    };
    w.system.rcu().call(task.core(), callback);
    w.spin_in_user_mode(task, ran);
    exit_task(w.system, task);
  });
  w.engine.run();
  w.system.check_invariants();
  EXPECT_GT(waited, 2_ms);
  EXPECT_LT(waited, 3_ms + 10_us);
  EXPECT_EQ(w.count(Counter::rcu_grace_periods), 1u);
  EXPECT_EQ(w.count(Counter::rcu_callbacks), 1u);
}

// The others idle without ticks. Classic RCU does not wait for them at all; the tree's thread finds them at
// its first search, which at 1000 Hz is three to four ticks after the tick that starts the grace period.
TEST(Rcu, DoesNotWaitLongForIdleCpus) {
  for (const std::string kind : {"classic", "tree"}) {
    const auto numbers = in_child([&] {
      KernelWorld w(64, rcu(kind));
      Duration waited{};
      spawn_process_at_boot(w.system, "updater", CoreId(3), [&](Task& task) {
        run_user(w.system, task, 10_ms);
        const Instant start = task.now();
        w.system.rcu().synchronize(task);
        waited = task.now() - start;
        exit_task(w.system, task);
      }).bound = true;
      w.engine.run();
      w.system.check_invariants();
      return std::vector<std::int64_t>{waited.count(), w.now().count(),
                                       static_cast<std::int64_t>(w.count(Counter::rcu_callbacks))};
    });
    EXPECT_GT(Duration(numbers[0]), kind == "classic" ? 2_ms : 3_ms) << kind;
    EXPECT_LT(Duration(numbers[0]), kind == "classic" ? 3_ms + 10_us : 6_ms + 50_us) << kind;
    EXPECT_LT(Duration(numbers[1]), 30_ms) << kind << ": the machine must come to rest";
    EXPECT_EQ(numbers[2], 1) << kind;
  }
}

TEST(Rcu, RunsAtMostAHundredOfAFewCallbacksInATick) {
  for (const std::string kind : {"classic", "tree"}) {
    const auto numbers = in_child([&] {
      KernelWorld w(2, rcu(kind));
      std::vector<Noted> callbacks(250);
      std::vector<std::int64_t> instants;
      spawn_process_at_boot(w.system, "updater", CoreId(0), [&](Task& task) {
        for (Noted& callback : callbacks) {
          callback.body = [&](Core& core) { instants.push_back(core.now().time_since_epoch() / 100_us); };
          w.system.rcu().call(task.core(), callback);
        }
        w.system.rcu().synchronize(task);
        exit_task(w.system, task);
      }).bound = true;
      w.engine.run();
      return instants;
    });
    ASSERT_EQ(numbers.size(), 250u);
    EXPECT_EQ(numbers[0], numbers[99]) << kind;
    EXPECT_EQ(numbers[99] + 10, numbers[100]) << kind << ": the next tick";
    EXPECT_EQ(numbers[199] + 10, numbers[200]) << kind;
  }
}

} // namespace
} // namespace mmsim::tests::rcu_test
