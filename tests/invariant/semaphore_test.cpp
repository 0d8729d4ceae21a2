// The semaphore among tasks that sleep, migrate and are interrupted: never more inside than it counts, first
// come first served, nobody forgotten.
#include "models/locks/semaphore.hpp"
#include "tests/support/tasks_world.hpp"

#include <gtest/gtest.h>
#include <tuple>

namespace mmsim::semaphore_test {
namespace {

using namespace literals;

class RandomSemaphore : public testing::TestWithParam<std::tuple<const char*, int>> {};

TEST_P(RandomSemaphore, LetsAsManyInAsItCountsAndEverybodyFinish) {
  const auto [kind, number] = GetParam();
  const auto seed = static_cast<std::uint64_t>(number);
  Engine::Options options;
  options.permute_ties = number % 2 == 0 ? seed : 0;
  TasksWorld world(as_is, 2, 3, kind, seed, options);
  constexpr int permits = 3, tasks = 16, rounds = 100;
  Semaphore semaphore(world.locks, world.scheduler, "console_sem", permits);
  int inside = 0, finished = 0, full = 0;
  for (int i = 0; i < tasks; ++i)
    world.task("task", static_cast<std::uint32_t>(i) % world.machine.cpus(),
               [&, random = RandomStream(seed, "task " + std::to_string(i))](Task& task) mutable {
                 for (int round = 0; round < rounds; ++round) {
                   work(task, random.exponential(round < rounds / 2 ? 10_us : 500_ns));
                   semaphore.down(task);
                   task.core().settle();
                   full += ++inside == permits;
                   EXPECT_LE(inside, permits);
                   work(task, random.exponential(1_us));
                   if (random.below(8) == 0) world.scheduler.yield(task); // and perhaps migrate
                   task.core().settle();
                   --inside;
                   semaphore.up(task.core());
                   world.scheduler.resched_point(task);
                 }
                 ++finished;
               });
  world.engine.run();
  EXPECT_EQ(finished, tasks);
  EXPECT_EQ(semaphore.describe(), "console_sem, count 3, 0 waiters");
  EXPECT_GT(full, 100);
  const LockClassStats stats = world.counters.snapshot().lock_class("console_sem");
  EXPECT_EQ(stats.acquired, std::uint64_t{tasks} * rounds);
  EXPECT_GT(stats.contended, 50u);
}

INSTANTIATE_TEST_SUITE_P(Kinds, RandomSemaphore,
                         testing::Combine(testing::Values("tas", "queued"), testing::Range(1, 4)),
                         [](const auto& info) {
                           return std::string(std::get<0>(info.param)) + "_" +
                                  std::to_string(std::get<1>(info.param));
                         });

TEST(Semaphore, IsHandedToItsWaitersInTheOrderInWhichTheyCameAndToNobodyAheadOfThem) {
  TasksWorld world(as_is, 1, 6);
  Semaphore semaphore(world.locks, world.scheduler, "console_sem", 1);
  std::string order;
  for (std::uint32_t id = 0; id < 5; ++id)
    world
        .task(std::string(1, static_cast<char>('a' + id)), id,
              [&, id](Task& task) {
                work(task, id * 10_us);
                semaphore.down(task);
                order += task.name;
                work(task, 100_us);
                semaphore.up(task.core());
              })
        .bound = true;
  // He asks just when the first one has let go: the waiter has it already, though he is still waking up.
  world
      .task("x", 5,
            [&](Task& task) {
              while (semaphore.waiters() != 4)
                work(task, 100_ns);
              while (semaphore.waiters() == 4)
                work(task, 100_ns);
              semaphore.down(task);
              order += task.name;
              semaphore.up(task.core());
            })
      .bound = true;
  world.engine.run();
  EXPECT_EQ(order, "abcdex");
}

TEST(Semaphore, MayBeGivenByAnInterrupt) {
  TasksWorld world(as_is, 1, 2);
  Semaphore semaphore(world.locks, world.scheduler, "console_sem", 0);
  struct Giver : InterruptHandler {
    explicit Giver(Semaphore& semaphore) : semaphore(semaphore) {}
    void handle(Core& core) override { semaphore.up(core); }
    Semaphore& semaphore;
  } giver(semaphore);
  world.machine.set_handler(Irq::call_function, giver);
  Instant got;
  world
      .task("sleeper", 0,
            [&](Task& task) {
              semaphore.down(task);
              got = task.now();
              EXPECT_GT(task.ledger.total(Account::lock_sleep), 40_us);
            })
      .bound = true;
  world.task("runner", 1, [&](Task& task) { work(task, 100_us); }).bound = true;
  world.engine.at(Instant{} + 50_us, [&] { world.machine.core(CoreId(1)).raise(Irq::call_function); });
  world.engine.run();
  EXPECT_GT(got, Instant{} + 50_us);
  EXPECT_LT(got, Instant{} + 60_us);
}

} // namespace
} // namespace mmsim::semaphore_test
