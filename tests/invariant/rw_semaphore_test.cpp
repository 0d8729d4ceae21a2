// The reader-writer semaphore among tasks that sleep, migrate and are interrupted.
#include "models/locks/rw_semaphore.hpp"
#include "models/locks/sleeping_locks.hpp"
#include "tests/support/tasks_world.hpp"

#include <gtest/gtest.h>
#include <string>
#include <tuple>
#include <vector>

namespace mmsim::rw_semaphore_test {
namespace {

using namespace literals;

struct RwsemWorld : TasksWorld {
  explicit RwsemWorld(const Variant& variant, std::int64_t clusters, std::int64_t cores_per_cluster,
                      const std::string& spinlock = "queued", std::uint64_t seed = 1,
                      Engine::Options options = {})
      : TasksWorld(variant, clusters, cores_per_cluster, spinlock, seed, options),
        semaphore(locks, scheduler, "mmap_lock") {}
  ~RwsemWorld() { engine.dismiss_fibers(); }
  LockClassStats stats() const { return TasksWorld::stats("mmap_lock"); }

  RwSemaphore semaphore;
};

std::string name_of(const testing::TestParamInfo<Variant>& info) { return info.param.name; }

class RandomReadersAndWriters : public testing::TestWithParam<std::tuple<const char*, Variant, int>> {};

TEST_P(RandomReadersAndWriters, NeverMeetAndAllFinish) {
  const auto [kind, variant, seed] = GetParam();
  const auto number = static_cast<std::uint64_t>(seed);
  Engine::Options options;
  options.permute_ties = seed % 2 == 0 ? number : 0;
  RwsemWorld world(variant, 2, 4, kind, number, options);
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
                     const bool tries = random.below(3) == 0;
                     if (!tries || !semaphore.down_read_trylock(task)) semaphore.down_read(task);
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
                         testing::Combine(testing::Values("tas", "ticket", "queued"),
                                          testing::ValuesIn(rwsem_variants), testing::Range(1, 5)),
                         [](const auto& info) {
                           return std::string(std::get<0>(info.param)) + "_" + std::get<1>(info.param).name +
                                  "_" + std::to_string(std::get<2>(info.param));
                         });

TEST(FifoRwSemaphore, IsHandedOnToAllReadersAtTheHeadAndThenToTheNextWriter) {
  RwsemWorld world(rwsem_variant("fifo"), 1, 8);
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

class AnyRwSemaphore : public testing::TestWithParam<Variant> {};
INSTANTIATE_TEST_SUITE_P(Variants, AnyRwSemaphore, testing::ValuesIn(rwsem_variants), name_of);

TEST_P(AnyRwSemaphore, LetsReadersAtTheHeadJoinADowngradedWriter) {
  RwsemWorld world(GetParam(), 1, 4);
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

TEST_P(AnyRwSemaphore, BooksTheTimeOfWaitersAndCountsHoldTimesOfAllReaders) {
  RwsemWorld world(GetParam(), 1, 4);
  Instant in, out;
  Duration waited{};
  const bool spins = world.scheduler.sleeping_locks().parameters.rwsem_spin == "all" &&
                     world.scheduler.sleeping_locks().parameters.rwsem != "fifo";
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
      waited += task.ledger.total(spins ? Account::lock_spin : Account::lock_sleep);
      work(task, 50_us);
      world.semaphore.up_read(task);
    });
  world.engine.run();
  EXPECT_GT(waited, 235_us); // 90 + 80 + 70 less the way into the semaphore
  EXPECT_LT(waited, 245_us);
  EXPECT_GE(world.stats().hold, (out - in) + 3 * 50_us);
  EXPECT_LT(world.stats().hold, (out - in) + 3 * 60_us);
}

TEST_P(AnyRwSemaphore, NamesTheWriterThatEverybodyWaitsForInADeadlock) {
  RwsemWorld world(GetParam(), 1, 2);
  world.task("munmap", 0, [&](Task& task) {
    world.semaphore.down_write(task);
    // for ever: lockdep lets no task end with a lock
    world.scheduler.block(task, Account::lock_sleep, nullptr);
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

TEST_P(AnyRwSemaphore, RefusesWhatIsNotHeldAndWhatWouldWaitForItself) {
  RwsemWorld world(GetParam(), 1, 1);
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
} // namespace mmsim::rw_semaphore_test
