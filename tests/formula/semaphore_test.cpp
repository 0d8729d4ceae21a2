// What a semaphore costs that nobody waits for.
#include "models/locks/semaphore.hpp"
#include "tests/support/line_costs.hpp"
#include "tests/support/tasks_world.hpp"

#include <gtest/gtest.h>

namespace mmsim::semaphore_test {
namespace {

TEST(Semaphore, CostsItsSpinlockAndAStoreEachWay) {
  TasksWorld world(as_is, 1, 1);
  const ClusterLineCosts costs(world.machine);
  Semaphore semaphore(world.locks, world.scheduler, "console_sem", 2);
  Duration took{};
  world.task("task", 0, [&](Task& task) {
    Core& core = task.core();
    semaphore.down(task);
    semaphore.up(core);
    core.settle();
    const Instant start = core.now();
    semaphore.down(task);
    semaphore.up(core);
    core.settle();
    took = core.now() - start;
  });
  world.engine.run();
  EXPECT_EQ(took, 2 * ((costs.hit + costs.atomic) + costs.hit + costs.hit));
  EXPECT_EQ(world.counters.snapshot().lock_class("console_sem").acquired, 2u);
  EXPECT_EQ(world.counters.snapshot().lock_class("console_sem").contended, 0u);
}

} // namespace
} // namespace mmsim::semaphore_test
