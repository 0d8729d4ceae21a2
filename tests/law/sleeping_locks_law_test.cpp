// What stealing, spinning and the hand-off are for.
#include "models/locks/mutex.hpp"
#include "models/locks/rw_semaphore.hpp"
#include "tests/support/child.hpp"
#include "tests/support/tasks_world.hpp"

#include <algorithm>
#include <gtest/gtest.h>

namespace mmsim::sleeping_locks_law_test {
namespace {

using namespace literals;
using tests::in_child;

constexpr std::uint32_t cores = 8;

/// Critical sections that `cores` writers get done in 2 ms, each holding for 500 ns and thinking for 1 us.
template <class Lock>
std::int64_t throughput(const Variant& variant, void (Lock::*take)(Task&), void (Lock::*release)(Task&)) {
  return in_child([&] {
    TasksWorld world(variant, 1, cores);
    Lock lock(world.locks, world.scheduler, "lock");
    std::int64_t done = 0;
    for (std::uint32_t i = 0; i < cores; ++i)
      world.task("writer", i, [&, random = RandomStream(i, "think")](Task& task) mutable {
        task.bound = true;
        while (task.now() < Instant(2_ms)) {
          (lock.*take)(task);
          work(task, 500_ns);
          ++done;
          (lock.*release)(task);
          work(task, random.exponential(1_us));
        }
      });
    world.engine.run();
    return std::vector<std::int64_t>{done};
  })[0];
}
std::int64_t writers_throughput(const std::string& variant) {
  return throughput(rwsem_variant(variant), &RwSemaphore::down_write, &RwSemaphore::up_write);
}

TEST(RwSemaphoreThroughput, GrowsWithStealingAndAgainWithSpinning) {
  const std::int64_t fifo = writers_throughput("fifo");
  const std::int64_t stealing = writers_throughput("stealing");
  const std::int64_t spinning = writers_throughput("spinning");
  // Whose every hand-over sleeps and wakes is far from the 4000 that fit; who spins is not.
  EXPECT_GT(fifo, 200);
  EXPECT_GT(2 * stealing, 3 * fifo);
  EXPECT_GT(spinning, stealing);
  EXPECT_GT(spinning, 2 * fifo);
  EXPECT_GT(spinning, 2000);
  RecordProperty("fifo", std::to_string(fifo));
  RecordProperty("stealing", std::to_string(stealing));
  RecordProperty("spinning", std::to_string(spinning));
}

TEST(RwSemaphoreThroughput, GainsNothingFromAQueueThatNobodyPasses) {
  const std::int64_t queueing = writers_throughput("queueing");
  EXPECT_LT(3 * queueing, 2 * writers_throughput("stealing")) << "each hand-over waits for a wake-up";
}

TEST(MutexThroughput, GrowsWithSpinning) {
  const std::int64_t count = throughput(mutex_variants[0], &Mutex::lock, &Mutex::unlock);
  const std::int64_t owner = throughput(mutex_variants[1], &Mutex::lock, &Mutex::unlock);
  const std::int64_t spinning = throughput(mutex_variants[2], &Mutex::lock, &Mutex::unlock);
  EXPECT_GT(2 * spinning, 3 * owner);
  EXPECT_GT(spinning, count);
  EXPECT_GT(spinning, 2000);
}

/// How long a writer that sleeps waits for a lock that another takes again and again, until `end`. It sleeps
/// because the other one did when it came.
Duration wait_beside_a_thief(const Variant& variant, Duration end) {
  return Duration(in_child([&] {
    TasksWorld world(variant, 1, 3);
    RwSemaphore lock(world.locks, world.scheduler, "lock");
    Instant asked, got{};
    Task& thief = world.task("thief", 0, [&](Task& task) {
      task.bound = true;
      lock.down_write(task);
      world.scheduler.block(task, Account::io, nullptr);
      lock.up_write(task);
      while (got == Instant{} && task.now() < Instant(end)) {
        lock.down_write(task);
        work(task, 20_us); // long enough for the other one to go back to sleep
        lock.up_write(task);
      }
    });
    world.task("honest", 1, [&](Task& task) {
      task.bound = true;
      work(task, 20_us);
      asked = task.now();
      lock.down_write(task);
      got = task.now();
      lock.up_write(task);
    });
    world.task("interrupt", 2, [&](Task& task) {
      task.bound = true;
      work(task, 60_us);
      world.scheduler.wake(task.core(), thief);
    });
    world.engine.run();
    return std::vector<std::int64_t>{(got - asked).count()};
  })[0]);
}

TEST(RwSemaphoreHandoff, BoundsTheWaitOfAWriterFromWhomTheLockIsStolenAgainAndAgain) {
  Variant patient = rwsem_variant("spinning_writers");
  patient.settings.emplace_back("kernel.rwsem_wait_timeout", "50 ms");
  const Duration fifo = wait_beside_a_thief(rwsem_variant("fifo"), 40_ms);
  const Duration stolen = wait_beside_a_thief(rwsem_variant("spinning_writers"), 40_ms);
  const Duration unbounded = wait_beside_a_thief(patient, 40_ms);
  EXPECT_LT(fifo, 60_us);
  // More than RWSEM_WAIT_TIMEOUT, which is one jiffy of 4 ms, since the jiffy in which it has queued.
  EXPECT_GT(stolen, 4_ms);
  EXPECT_LT(stolen, 8_ms + 50_us);
  EXPECT_GT(unbounded, 39_ms);
}

TEST(MutexHandoff, GivesTheMutexToTheFirstThatHasBeenWokenInVain) {
  Variant variant = mutex_variants[1];
  TasksWorld world(variant, 1, 2);
  Mutex mutex(world.locks, world.scheduler, "mutex");
  bool got = false;
  world.task("thief", 0, [&](Task& task) {
    task.bound = true;
    while (!got && task.now() < Instant(10_ms)) {
      mutex.lock(task);
      work(task, 20_us);
      mutex.unlock(task);
    }
  });
  world.task("honest", 1, [&](Task& task) {
    task.bound = true;
    work(task, 11_us);
    mutex.lock(task);
    got = true;
    mutex.unlock(task);
  });
  world.engine.run();
  EXPECT_TRUE(got);
  EXPECT_LT(world.stats("mutex").wait_max, 100_us) << "one hold in vain, one until the hand-off";
}

class ReaderStream : public testing::TestWithParam<Variant> {};
INSTANTIATE_TEST_SUITE_P(Variants, ReaderStream, testing::ValuesIn(rwsem_variants),
                         [](const auto& info) { return std::string(info.param.name); });

TEST_P(ReaderStream, DoesNotStarveAWriter) {
  TasksWorld world(GetParam(), 1, cores);
  RwSemaphore lock(world.locks, world.scheduler, "lock");
  bool written = false;
  std::int64_t reads = 0;
  Duration longest{};
  for (std::uint32_t i = 1; i < cores; ++i)
    world.task("reader", i, [&, random = RandomStream(i, "hold")](Task& task) mutable {
      task.bound = true;
      while (!written && task.now() < Instant(200_ms)) { // always somebody inside
        lock.down_read(task);
        work(task, 10_us + random.exponential(5_us));
        ++reads;
        lock.up_read(task);
      }
    });
  world.task("writer", 0, [&](Task& task) {
    task.bound = true;
    for (int round = 0; round < 5; ++round) {
      work(task, 50_us);
      const Instant asked = task.now();
      lock.down_write(task);
      longest = std::max(longest, task.now() - asked);
      work(task, 5_us);
      lock.up_write(task);
    }
    written = true;
  });
  world.engine.run();
  EXPECT_TRUE(written);
  EXPECT_GT(reads, 50);
  EXPECT_LT(longest, 10_ms) << "two jiffies and the readers that are inside";
}

TEST(Readers, EnterTogetherWhoeverQueuesBetweenThem) {
  // In 5.10 all readers of the queue are let in at once; in 2.6.24 only those up to the next writer.
  const auto order = [](const std::string& variant) {
    const std::vector<std::int64_t> letters = in_child([&] {
      TasksWorld world(rwsem_variant(variant), 1, 5);
      RwSemaphore lock(world.locks, world.scheduler, "lock");
      std::vector<std::int64_t> in;
      const auto arrive = [&](std::uint32_t core, bool writes, Duration hold) {
        world.task("task", core, [&, core, writes, hold](Task& task) {
          task.bound = true;
          work(task, core * 20_us);
          writes ? lock.down_write(task) : lock.down_read(task);
          in.push_back(writes ? 'w' : 'r');
          work(task, hold);
          writes ? lock.up_write(task) : lock.up_read(task);
        });
      };
      arrive(0, true, 300_us);
      arrive(1, false, 100_us);
      arrive(2, true, 100_us);
      arrive(3, false, 100_us);
      arrive(4, true, 100_us);
      world.engine.run();
      return in;
    });
    return std::string(letters.begin(), letters.end());
  };
  EXPECT_EQ(order("fifo"), "wrwrw");
  EXPECT_EQ(order("queueing"), "wrrww");
  EXPECT_EQ(order("stealing"), "wrrww");
}

} // namespace
} // namespace mmsim::sleeping_locks_law_test
