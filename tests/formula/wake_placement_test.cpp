// Where does a task go that is woken while its core is busy?

#include "tests/support/kernel_world.hpp"

#include <gtest/gtest.h>

namespace mmsim::tests::wake_placement_test {
namespace {

using namespace literals;

// A task sleeps on cpu 0 until somebody there wakes it and goes on, for 100 us, in user mode. Where it runs then, how
// long after the wake-up, and how many migrations there were.
struct Woken {
  std::int64_t cpu, after_ns, migrations;
};
Woken woken(const Settings& settings, bool bound, std::uint32_t busy) {
  Settings all = settings;
  const auto numbers = in_child([&] {
    KernelWorld w(4, all);
    Completion wake_up("its wake-up");
    Instant woken_at{};
    std::vector<std::int64_t> seen;
    bool over = false;
    spawn_process_at_boot(w.system, "sleeper", CoreId(0), [&](Task& task) {
      wake_up.wait(w.system, task);
      seen = {task.core().id().value(), static_cast<std::int64_t>(nanoseconds(task.now() - woken_at))};
      over = true;
      exit_task(w.system, task);
    }).bound = bound;
    for (std::uint32_t i = 0; i < busy; ++i)
      spawn_process_at_boot(w.system, "busy", CoreId(i), [&, i](Task& task) {
        run_user(w.system, task, 20_us);
        if (i == 0) {
          woken_at = task.now();
          wake_up.complete(w.system, task.core());
        }
        run_user(w.system, task, 100_us);
        exit_task(w.system, task);
      }).bound = true;
    w.engine.run();
    w.system.check_invariants();
    seen.push_back(static_cast<std::int64_t>(w.count(Counter::cpu_migrations)));
    return seen;
  });
  return {numbers.at(0), numbers.at(1), numbers.at(2)};
}

const std::pair<std::string, Value> previous{"kernel.wake_placement", "previous"},
    idle{"kernel.wake_placement", "idle"};

TEST(WakePlacement, OfPreviousWaitsForTheCore) {
  const Woken w = woken({previous}, false, 1);
  EXPECT_EQ(w.cpu, 0);
  EXPECT_GT(w.after_ns, 100'000);
  EXPECT_EQ(w.migrations, 0);
}

TEST(WakePlacement, OfIdleTakesTheNextIdleCoreAtOnce) {
  for (const std::uint32_t busy : {1u, 2u, 3u}) {
    const Woken w = woken({idle}, false, busy);
    EXPECT_EQ(w.cpu, busy);
    EXPECT_LT(w.after_ns, 20'000);
    EXPECT_EQ(w.migrations, 1);
  }
}

TEST(WakePlacement, OfIdleStaysWhereNobodyIsIdle) {
  const Woken w = woken({idle}, false, 4);
  EXPECT_GT(w.after_ns, 90'000); // the first core whose task has ended takes it
}

TEST(WakePlacement, LeavesBoundTasksWhereTheyAre) {
  const Woken w = woken({idle}, true, 1);
  EXPECT_EQ(w.cpu, 0);
  EXPECT_EQ(w.migrations, 0);
}

TEST(WakePlacement, OfIdleStaysInTheDie) {
  const Woken w = woken(
      {idle, {"machine.dies_per_socket", std::int64_t{2}}, {"machine.cores_per_cluster", std::int64_t{2}}},
      false, 2);
  EXPECT_NE(w.cpu, 2);
  EXPECT_NE(w.cpu, 3);
  EXPECT_GT(w.after_ns, 90'000);
}

} // namespace
} // namespace mmsim::tests::wake_placement_test
