// The reader-writer semaphore among tasks that sleep, migrate and are interrupted.
#include "models/locks/rw_semaphore.hpp"
#include "models/scheduler/scheduler.hpp"
#include "tests/support/locks_world.hpp"

#include <gtest/gtest.h>
#include <string>
#include <tuple>
#include <vector>

namespace mmsim {
namespace {

using namespace literals;

/// Kernel threads only: nothing to switch.
struct NoAddressSpaces : MmSwitcher {
  void switch_mm(Core&, MmStruct*, MmStruct*) override {}
  MmStruct* enter_kernel_thread(Core&, MmStruct* previous, bool) override { return previous; }
  void drop_borrowed(Core&, MmStruct*) override {}
};

struct TasksWorld : LocksWorld {
  TasksWorld(const std::string& kind, std::int64_t clusters, std::int64_t cores_per_cluster,
             std::uint64_t seed = 1, Engine::Options options = {})
      : LocksWorld(kind, clusters, cores_per_cluster, options),
        scheduler(machine, locks, switcher, configuration, RandomStream(seed, "ticks")),
        semaphore(locks, scheduler, "mmap_lock") {
    scheduler.boot(nullptr);
  }
  Task& task(std::string name, std::uint32_t core, std::function<void(Task&)> body) {
    return scheduler.spawn_at_boot(std::move(name), nullptr, CoreId(core), std::move(body));
  }
  LockClassStats stats() const { return counters.snapshot().lock_class("mmap_lock"); }

  NoAddressSpaces switcher;
  Scheduler scheduler;
  RwSemaphore semaphore;
};

void work(Task& task, Duration length) {
  task.core().charge(length, Account::work);
  task.core().settle();
}

class RandomReadersAndWriters : public testing::TestWithParam<std::tuple<const char*, int>> {};

TEST_P(RandomReadersAndWriters, NeverMeetAndAllFinish) {
  const auto [kind, seed] = GetParam();
  const auto number = static_cast<std::uint64_t>(seed);
  Engine::Options options;
  options.permute_ties = seed % 2 == 0 ? number : 0;
  TasksWorld world(kind, 2, 4, number, options);
  RwSemaphore& semaphore = world.semaphore;
  constexpr int tasks = 20, rounds = 200; // more tasks than cores: some sleep without having asked for it
  std::uint64_t readers = 0, writers = 0, acquired = 0, together = 0;
  int finished = 0;

  const auto let_others_run = [&](Task& task, RandomStream& random) {
    work(task, random.exponential(1_us));
    if (random.below(8) == 0) world.scheduler.yield(task); // and perhaps migrate
    world.scheduler.resched_point(task);
  };
  for (int i = 0; i < tasks; ++i)
    world.task("task", static_cast<std::uint32_t>(i) % world.machine.cpus(),
               [&, random = RandomStream(number, "task " + std::to_string(i))](Task& task) mutable {
                 for (int round = 0; round < rounds; ++round) {
                   work(task, random.exponential(round % 50 < 25 ? 20_us : 500_ns));
                   ++acquired;
                   if (random.below(4) != 0) {
                     semaphore.down_read(task);
                     EXPECT_EQ(writers, 0u);
                     together += ++readers > 1;
                     let_others_run(task, random);
                     EXPECT_EQ(writers, 0u);
                     --readers;
                     semaphore.up_read(task);
                     continue;
                   }
                   semaphore.down_write(task);
                   EXPECT_EQ(readers, 0u);
                   EXPECT_EQ(writers++, 0u);
                   EXPECT_TRUE(semaphore.held_for_writing_by(task));
                   let_others_run(task, random);
                   EXPECT_EQ(readers, 0u);
                   EXPECT_EQ(writers--, 1u);
                   if (random.below(4) != 0) {
                     semaphore.up_write(task);
                     continue;
                   }
                   ++readers;
                   semaphore.downgrade_write(task);
                   let_others_run(task, random);
                   EXPECT_EQ(writers, 0u);
                   --readers;
                   semaphore.up_read(task);
                 }
                 ++finished;
               });
  world.engine.run();

  EXPECT_EQ(finished, tasks);
  EXPECT_EQ(semaphore.waiters(), 0u);
  EXPECT_EQ(semaphore.describe(), "mmap_lock, held by nobody, 0 waiters");
  EXPECT_EQ(world.stats().acquired, acquired);
  EXPECT_GT(world.stats().contended, acquired / 10) << "hardly any contention";
  EXPECT_GT(together, 100u) << "readers hardly met";
}

INSTANTIATE_TEST_SUITE_P(Kinds, RandomReadersAndWriters,
                         testing::Combine(testing::Values("tas", "ticket", "queued"), testing::Range(1, 5)),
                         [](const auto& info) {
                           return std::string(std::get<0>(info.param)) + "_" +
                                  std::to_string(std::get<1>(info.param));
                         });

TEST(RwSemaphore, IsHandedOnToAllReadersAtTheHeadAndThenToTheNextWriter) {
  TasksWorld world("queued", 1, 8);
  std::string order;
  // Core i asks i x 10 us after the first, who holds the lock for 200 us.
  const auto arrive = [&](std::uint32_t core, bool writes, Duration hold) {
    world.task(std::string(1, static_cast<char>('a' + core)), core, [&, core, writes, hold](Task& task) {
      task.bound = true;
      work(task, 10_us + core * 10_us);
      writes ? world.semaphore.down_write(task) : world.semaphore.down_read(task);
      order += task.name;
      work(task, hold);
      order += static_cast<char>(std::toupper(task.name[0]));
      writes ? world.semaphore.up_write(task) : world.semaphore.up_read(task);
    });
  };
  arrive(0, true, 200_us);
  arrive(1, false, 40_us);
  arrive(2, false, 60_us);
  arrive(3, true, 20_us);
  arrive(4, false, 20_us); // readers behind a writer wait, whoever is inside
  arrive(5, true, 20_us);
  arrive(6, true, 20_us);
  arrive(7, false, 20_us);
  world.engine.run();
  EXPECT_EQ(order, "aAbcBCdDeEfFgGhH");
  EXPECT_EQ(world.stats().contended, 7u);
}

TEST(RwSemaphore, LetsReadersAtTheHeadJoinADowngradedWriter) {
  TasksWorld world("queued", 1, 4);
  std::string order;
  world.task("writer", 0, [&](Task& task) {
    task.bound = true;
    world.semaphore.down_write(task);
    work(task, 100_us);
    world.semaphore.downgrade_write(task);
    order += "d";
    work(task, 100_us);
    order += "D";
    world.semaphore.up_read(task);
  });
  const auto read = [&](Task& task) {
    task.bound = true;
    work(task, 10_us);
    world.semaphore.down_read(task);
    order += "r";
    work(task, 20_us);
    world.semaphore.up_read(task);
  };
  world.task("reader", 1, read);
  world.task("reader", 2, read);
  world.task("writer", 3, [&](Task& task) {
    task.bound = true;
    work(task, 20_us);
    world.semaphore.down_write(task);
    order += "w";
    world.semaphore.up_write(task);
  });
  world.engine.run();
  EXPECT_EQ(order, "drrDw");
}

TEST(RwSemaphore, BooksTheTimeOfSleepersAsLockSleepAndCountsHoldTimesOfAllReaders) {
  TasksWorld world("queued", 1, 4);
  Instant in, out;
  Duration slept{};
  world.task("writer", 0, [&](Task& task) {
    task.bound = true;
    world.semaphore.down_write(task);
    in = task.now();
    work(task, 100_us);
    world.semaphore.up_write(task);
    out = task.now();
  });
  for (std::uint32_t core : {1, 2, 3})
    world.task("reader", core, [&, core](Task& task) {
      task.bound = true;
      work(task, core * 10_us);
      world.semaphore.down_read(task);
      slept += task.ledger.total(Account::lock_sleep);
      work(task, 50_us);
      world.semaphore.up_read(task);
    });
  world.engine.run();
  EXPECT_GT(slept, 235_us); // 90 + 80 + 70 less the way into the semaphore
  EXPECT_LT(slept, 245_us);
  EXPECT_GE(world.stats().hold, (out - in) + 3 * 50_us);
  EXPECT_LT(world.stats().hold, (out - in) + 3 * 60_us);
}

TEST(RwSemaphore, NamesTheWriterThatEverybodyWaitsForInADeadlock) {
  TasksWorld world("queued", 1, 2);
  world.task("munmap", 0, [&](Task& task) {
    world.semaphore.down_write(task);
    world.scheduler.block(task, Account::lock_sleep,
                          nullptr); // for ever: lockdep lets no task end with a lock
  });
  world.task("fault", 1, [&](Task& task) {
    work(task, 10_us);
    world.semaphore.down_read(task);
  });
  try {
    world.engine.run();
    FAIL() << "no Violation";
  } catch (const Violation& violation) {
    EXPECT_NE(std::string(violation.what()).find("mmap_lock, held for writing by task 2 (munmap), 1 waiters"),
              std::string::npos)
        << violation.what();
  }
}

TEST(RwSemaphore, RefusesWhatIsNotHeldAndWhatWouldWaitForItself) {
  TasksWorld world("queued", 1, 1);
  int refused = 0;
  world.task("task", 0, [&](Task& task) {
    EXPECT_THROW(world.semaphore.up_read(task), Violation);
    EXPECT_THROW(world.semaphore.up_write(task), Violation);
    world.semaphore.down_write(task);
    EXPECT_THROW(world.semaphore.down_write(task), Violation);
    EXPECT_THROW(world.semaphore.down_read(task), Violation);
    world.semaphore.up_write(task);
    ++refused;
  });
  world.engine.run();
  EXPECT_EQ(refused, 1);
}

} // namespace
} // namespace mmsim
