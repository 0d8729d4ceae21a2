// Sleeping locks among tasks that spin, sleep with the lock held, run out of their time slices and migrate:
// nobody is inside with somebody else, everybody gets in, and nobody spins for an owner that does not run.
#include "models/locks/mutex.hpp"
#include "models/locks/rw_semaphore.hpp"
#include "models/locks/sleeping_locks.hpp"
#include "tests/support/tasks_world.hpp"

#include <deque>
#include <gtest/gtest.h>
#include <string>
#include <tuple>

namespace mmsim::sleeping_locks_test {
namespace {

using namespace literals;

std::string name_of(const testing::TestParamInfo<Variant>& info) { return info.param.name; }

Engine::Options permuted(std::uint64_t seed) {
  Engine::Options options;
  options.permute_ties = seed % 2 == 0 ? seed : 0;
  return options;
}

/// Short slices, so that spinners must reschedule; a daemon that wakes who sleeps, as a disk would.
struct BusyWorld : TasksWorld {
  BusyWorld(Variant variant, std::uint64_t seed)
      : TasksWorld(with_slices(std::move(variant)), 2, 3, "queued", seed, permuted(seed)),
        random(seed, "disk") {}
  ~BusyWorld() { engine.dismiss_fibers(); }

  static Variant with_slices(Variant variant) {
    variant.settings.emplace_back("kernel.hz", std::int64_t{10'000});
    variant.settings.emplace_back("kernel.time_slice", "50 us");
    variant.settings.emplace_back("kernel.rwsem_wait_timeout", "200 us");
    return variant;
  }
  void sleep(Task& task) {
    asleep.push_back(&task);
    scheduler.block(task, Account::io, nullptr);
  }
  /// A task that wakes sleepers until `done()`.
  void start_disk(std::function<bool()> done) {
    task("disk", 0, [this, done = std::move(done)](Task& task) {
      while (!done()) {
        work(task, random.exponential(5_us));
        if (!asleep.empty()) {
          Task* const sleeper = asleep.front();
          asleep.pop_front();
          scheduler.wake(task.core(), *sleeper);
        }
        scheduler.yield(task);
      }
    });
  }
  /// A stay inside: sometimes short, sometimes asleep or preempted.
  void stay(Task& task, RandomStream& luck) {
    work(task, luck.exponential(luck.below(16) == 0 ? 60_us : 1_us));
    if (luck.below(12) == 0) sleep(task);
    if (luck.below(12) == 0) scheduler.yield(task);
    scheduler.resched_point(task);
  }

  RandomStream random;
  std::deque<Task*> asleep;
};

constexpr int tasks = 15, rounds = 120;

class RandomRwSemaphore : public testing::TestWithParam<std::tuple<Variant, int>> {};
INSTANTIATE_TEST_SUITE_P(Variants, RandomRwSemaphore,
                         testing::Combine(testing::ValuesIn(rwsem_variants), testing::Range(1, 7)),
                         [](const auto& info) {
                           return std::string(std::get<0>(info.param).name) + "_" +
                                  std::to_string(std::get<1>(info.param));
                         });

TEST_P(RandomRwSemaphore, KeepsWritersAloneAndLetsEverybodyIn) {
  const std::uint64_t seed = static_cast<std::uint64_t>(std::get<1>(GetParam()));
  BusyWorld world(std::get<0>(GetParam()), seed);
  RwSemaphore lock(world.locks, world.scheduler, "lock");
  int readers = 0, writers = 0, finished = 0;
  std::uint64_t acquired = 0;
  for (int i = 0; i < tasks; ++i)
    world.task("task", static_cast<std::uint32_t>(i) % world.machine.cpus(),
               [&, luck = RandomStream(seed, "task " + std::to_string(i))](Task& task) mutable {
                 for (int round = 0; round < rounds; ++round) {
                   work(task, luck.exponential(3_us));
                   ++acquired;
                   if (luck.below(3) != 0) {
                     lock.down_read(task);
                     ++readers;
                     EXPECT_EQ(writers, 0);
                     world.stay(task, luck);
                     EXPECT_EQ(writers, 0);
                     --readers;
                     lock.up_read(task);
                   } else {
                     lock.down_write(task);
                     EXPECT_EQ(readers, 0);
                     EXPECT_EQ(writers++, 0);
                     EXPECT_TRUE(lock.held_for_writing_by(task));
                     world.stay(task, luck);
                     EXPECT_EQ(readers, 0);
                     EXPECT_EQ(writers--, 1);
                     if (luck.below(3) != 0) {
                       lock.up_write(task);
                     } else {
                       ++readers;
                       lock.downgrade_write(task);
                       world.stay(task, luck);
                       EXPECT_EQ(writers, 0);
                       --readers;
                       lock.up_read(task);
                     }
                   }
                   EXPECT_TRUE(task.core().preemptible());
                 }
                 ++finished;
               });
  world.start_disk([&] { return finished == tasks; });
  world.engine.run();

  EXPECT_EQ(finished, tasks);
  EXPECT_EQ(lock.waiters(), 0u);
  EXPECT_EQ(lock.describe(), "lock, held by nobody, 0 waiters");
  EXPECT_EQ(world.stats("lock").acquired, acquired);
  EXPECT_GT(world.stats("lock").contended, acquired / 10) << "hardly any contention";
}

class RandomMutex : public testing::TestWithParam<std::tuple<Variant, int>> {};
INSTANTIATE_TEST_SUITE_P(Variants, RandomMutex,
                         testing::Combine(testing::ValuesIn(mutex_variants), testing::Range(1, 7)),
                         [](const auto& info) {
                           return std::string(std::get<0>(info.param).name) + "_" +
                                  std::to_string(std::get<1>(info.param));
                         });

TEST_P(RandomMutex, LetsOneInAtATimeAndEverybodyInTheEnd) {
  const std::uint64_t seed = static_cast<std::uint64_t>(std::get<1>(GetParam()));
  BusyWorld world(std::get<0>(GetParam()), seed);
  Mutex mutex(world.locks, world.scheduler, "mutex");
  int inside = 0, finished = 0;
  std::uint64_t acquired = 0, tried_in_vain = 0;
  for (int i = 0; i < tasks; ++i)
    world.task("task", static_cast<std::uint32_t>(i) % world.machine.cpus(),
               [&, luck = RandomStream(seed, "task " + std::to_string(i))](Task& task) mutable {
                 for (int round = 0; round < rounds; ++round) {
                   work(task, luck.exponential(10_us));
                   if (luck.below(4) != 0) {
                     mutex.lock(task);
                   } else if (!mutex.try_lock(task)) {
                     EXPECT_FALSE(mutex.held_by(task));
                     ++tried_in_vain;
                     continue;
                   }
                   ++acquired;
                   EXPECT_EQ(inside++, 0);
                   EXPECT_TRUE(mutex.held_by(task));
                   world.stay(task, luck);
                   EXPECT_EQ(inside--, 1);
                   mutex.unlock(task);
                   EXPECT_TRUE(task.core().preemptible());
                 }
                 ++finished;
               });
  world.start_disk([&] { return finished == tasks; });
  world.engine.run();

  EXPECT_EQ(finished, tasks);
  EXPECT_EQ(mutex.describe(), "mutex, held by nobody, 0 waiters");
  EXPECT_EQ(world.stats("mutex").acquired, acquired);
  EXPECT_GT(world.stats("mutex").contended, acquired / 20) << "hardly any contention";
  EXPECT_GT(tried_in_vain, 10u);
}

TEST(RandomOsqLock, HasOneHeadWhoeverLeavesTheQueue) {
  constexpr std::uint64_t seed = 1;
  BusyWorld world({"osq", {}}, seed);
  CacheLine line("osq");
  struct Name : Waitable {
    std::string describe() const override { return "osq"; }
  } name;
  OsqLock osq(line, world.scheduler.sleeping_locks().osq_nodes, world.scheduler, name);
  int inside = 0, left = 0, taken = 0;
  for (int i = 0; i < tasks; ++i)
    world.task("task", static_cast<std::uint32_t>(i) % world.machine.cpus(),
               [&, luck = RandomStream(seed, "task " + std::to_string(i))](Task& task) mutable {
                 for (int round = 0; round < 500; ++round) {
                   work(task, luck.exponential(2_us));
                   task.core().preempt_disable();
                   if (osq.lock(task.core())) {
                     ++taken;
                     EXPECT_EQ(inside++, 0);
                     work(task, luck.exponential(luck.below(8) == 0 ? 80_us : 1_us));
                     EXPECT_EQ(inside--, 1);
                     osq.unlock(task.core());
                   } else {
                     ++left;
                   }
                   task.core().preempt_enable();
                   world.scheduler.resched_point(task);
                 }
               });
  world.engine.run();
  EXPECT_FALSE(osq.is_locked());
  EXPECT_GT(left, 100) << "hardly anybody left";
  EXPECT_GT(taken, 1000);
}

/// The owner of a lock goes to sleep while another task spins for it: `take` and `release` its ways.
template <class Lock>
void sleep_while_somebody_spins(const Variant& variant, void (Lock::*take)(Task&),
                                void (Lock::*release)(Task&)) {
  TasksWorld world(variant, 1, 3);
  Lock lock(world.locks, world.scheduler, "lock");
  bool got = false;
  Instant other_ran{};
  Task& owner = world.task("owner", 0, [&, take, release](Task& task) {
    task.bound = true;
    (lock.*take)(task);
    work(task, 100_us);
    world.scheduler.block(task, Account::io, nullptr);
    (lock.*release)(task);
  });
  world.task("waiter", 1, [&, take, release](Task& task) {
    task.bound = true;
    work(task, 50_us);
    (lock.*take)(task);
    got = true;
    EXPECT_GT(task.ledger.total(Account::lock_spin), 49_us);
    EXPECT_LT(task.ledger.total(Account::lock_spin), 52_us);
    EXPECT_GT(task.ledger.total(Account::lock_sleep), 880_us);
    (lock.*release)(task);
  });
  world.task("other", 1, [&](Task& task) {
    task.bound = true;
    other_ran = task.now();
    work(task, 10_us);
  });
  world.task("disk", 2, [&](Task& task) {
    task.bound = true;
    work(task, 1_ms);
    world.scheduler.wake(task.core(), owner);
  });
  world.engine.run();
  EXPECT_TRUE(got);
  EXPECT_GT(other_ran, Instant(100_us)) << "the waiter did not spin";
  EXPECT_LT(other_ran, Instant(105_us)) << "the waiter's core was not given up";
}

TEST(Spinner, GoesToSleepWhenTheWriterThatItSpinsOnDoes) {
  sleep_while_somebody_spins(rwsem_variant("spinning"), &RwSemaphore::down_write, &RwSemaphore::up_write);
}

TEST(Spinner, GoesToSleepWhenTheOwnerOfTheMutexDoes) {
  sleep_while_somebody_spins(mutex_variants[2], &Mutex::lock, &Mutex::unlock);
}

/// A task spins for a lock whose owner runs for long, and another task waits for its core.
template <class Lock>
void spin_beside_a_task_that_waits(const Variant& variant, void (Lock::*take)(Task&),
                                   void (Lock::*release)(Task&)) {
  TasksWorld world(variant, 1, 2);
  Lock lock(world.locks, world.scheduler, "lock");
  Instant other_ran{};
  world.task("owner", 0, [&, take, release](Task& task) {
    task.bound = true;
    (lock.*take)(task);
    work(task, 50_ms);
    (lock.*release)(task);
  });
  world.task("waiter", 1, [&, take, release](Task& task) {
    task.bound = true;
    work(task, 50_us);
    (lock.*take)(task);
    (lock.*release)(task);
  });
  world.task("other", 1, [&](Task& task) {
    task.bound = true;
    other_ran = task.now();
    work(task, 10_us);
  });
  world.engine.run();
  EXPECT_GT(other_ran, Instant(4_ms));
  EXPECT_LT(other_ran, Instant(8_ms + 10_us)) << "a slice, to the next tick";
}

TEST(Spinner, GivesItsCoreUpWhenItsTimeSliceEnds) {
  spin_beside_a_task_that_waits(rwsem_variant("spinning"), &RwSemaphore::down_write, &RwSemaphore::up_write);
}

TEST(Spinner, ForAMutexGivesItsCoreUpWhenItsTimeSliceEnds) {
  spin_beside_a_task_that_waits(mutex_variants[2], &Mutex::lock, &Mutex::unlock);
}

TEST(Spinner, ForAWriteLockGivesUpOnReadersThatStayForLong) {
  TasksWorld world(rwsem_variant("spinning"), 1, 3);
  RwSemaphore lock(world.locks, world.scheduler, "lock");
  for (const std::uint32_t core : {0u, 1u})
    world.task("reader", core, [&](Task& task) {
      task.bound = true;
      lock.down_read(task);
      work(task, 500_us);
      lock.up_read(task);
    });
  world.task("writer", 2, [&](Task& task) {
    task.bound = true;
    work(task, 50_us);
    lock.down_write(task);
    // 10 us and 500 ns for each of the two (rwsem_rspin_threshold), and the ways in and out.
    EXPECT_GT(task.ledger.total(Account::lock_spin), 11_us);
    EXPECT_LT(task.ledger.total(Account::lock_spin), 12_us);
    EXPECT_GT(task.ledger.total(Account::lock_sleep), 400_us);
    lock.up_write(task);
  });
  world.engine.run();
}

TEST(SetCurrentState, ForgetsWakeUpsOfARunningTaskAndCountsThoseThatComeAfterIt) {
  TasksWorld world(mutex_variants[0], 1, 2);
  std::vector<Instant> woken;
  std::vector<Duration> slept;
  Task& sleeper = world.task("sleeper", 0, [&](Task& task) {
    task.bound = true;
    work(task, 20_us); // woken meanwhile
    world.scheduler.set_current_state(task);
    world.scheduler.block(task, Account::io, nullptr);
    woken.push_back(task.now());
    slept.push_back(task.ledger.total(Account::io));
    world.scheduler.set_current_state(task);
    work(task, 100_us); // woken meanwhile
    world.scheduler.block(task, Account::io, nullptr);
    woken.push_back(task.now());
    slept.push_back(task.ledger.total(Account::io));
  });
  world.task("wakes", 1, [&](Task& task) {
    task.bound = true;
    for (const Duration pause : {10_us, 50_us, 50_us}) {
      work(task, pause);
      world.scheduler.wake(task.core(), sleeper);
    }
  });
  world.engine.run();
  ASSERT_EQ(woken.size(), 2u);
  EXPECT_GT(woken[0], Instant(60_us));
  EXPECT_GE(woken[1], woken[0] + 100_us);
  EXPECT_EQ(slept[1], slept[0]);
}

// Who does not spin has no reason to give up its core before it queues, whatever its tick has asked for.
TEST(Mutex, IsQueuedForWithoutReschedulingWhereNobodySpins) {
  Variant variant = mutex_variants[1];
  variant.settings.emplace_back("kernel.hz", std::int64_t{10'000});
  variant.settings.emplace_back("kernel.time_slice", "50 us");
  TasksWorld world(variant, 1, 2);
  Mutex mutex(world.locks, world.scheduler, "mutex");
  std::size_t queued = 0;
  world.task("owner", 0, [&](Task& task) {
    task.bound = true;
    mutex.lock(task);
    work(task, 2_ms);
    mutex.unlock(task);
  });
  world.task("waiter", 1, [&](Task& task) {
    task.bound = true;
    work(task, 500_us); // and its slice is over
    EXPECT_TRUE(world.scheduler.need_resched(task.core()));
    mutex.lock(task);
    mutex.unlock(task);
  });
  world.task("other", 1, [&](Task& task) {
    task.bound = true;
    queued = mutex.waiters();
  });
  world.engine.run();
  EXPECT_EQ(queued, 1u);
}

// The first of the queue asks for the hand-off when it has been woken in vain: a wake-up from before, which it
// got as a running task, is not one.
TEST(Mutex, IsNotHandedOverForAWakeUpThatNobodyWaitedFor) {
  TasksWorld world(mutex_variants[1], 1, 3);
  Mutex mutex(world.locks, world.scheduler, "mutex");
  bool stolen = false;
  world.task("owner", 0, [&](Task& task) {
    task.bound = true;
    mutex.lock(task);
    work(task, 200_us);
    mutex.unlock(task);
    stolen = mutex.try_lock(task); // long before who was woken is on its core
    if (stolen) mutex.unlock(task);
  });
  Task& waiter = world.task("waiter", 1, [&](Task& task) {
    task.bound = true;
    work(task, 100_us);
    mutex.lock(task);
    mutex.unlock(task);
  });
  world.task("wakes", 2, [&](Task& task) {
    task.bound = true;
    work(task, 50_us);
    world.scheduler.wake(task.core(), waiter);
  });
  world.engine.run();
  EXPECT_TRUE(stolen);
}

class AnyMutex : public testing::TestWithParam<Variant> {};
INSTANTIATE_TEST_SUITE_P(Variants, AnyMutex, testing::ValuesIn(mutex_variants), name_of);

TEST_P(AnyMutex, RefusesWhatIsNotHeldWhatIsAnothersAndWhatWouldWaitForItself) {
  TasksWorld world(GetParam(), 1, 2);
  Mutex mutex(world.locks, world.scheduler, "mutex");
  int refused = 0;
  world.task("owner", 0, [&](Task& task) {
    EXPECT_THROW(mutex.unlock(task), Violation);
    mutex.lock(task);
    EXPECT_THROW(mutex.lock(task), Violation);
    EXPECT_FALSE(mutex.try_lock(task));
    work(task, 100_us);
    mutex.unlock(task);
    ++refused;
  });
  world.task("thief", 1, [&](Task& task) {
    work(task, 50_us);
    EXPECT_EQ(mutex.describe(), "mutex, held by task 2 (owner), 0 waiters");
    EXPECT_THROW(mutex.unlock(task), Violation);
    ++refused;
  });
  world.engine.run();
  EXPECT_EQ(refused, 2);
}

TEST_P(AnyMutex, NamesItsOwnerInADeadlock) {
  TasksWorld world(GetParam(), 1, 2);
  Mutex mutex(world.locks, world.scheduler, "mutex");
  world.task("forgets", 0, [&](Task& task) {
    mutex.lock(task);
    world.scheduler.block(task, Account::lock_sleep,
                          nullptr); // for ever: lockdep lets no task end with a lock
  });
  world.task("waits", 1, [&](Task& task) {
    work(task, 10_us);
    mutex.lock(task);
  });
  try {
    world.engine.run();
    FAIL() << "no Violation";
  } catch (const Violation& violation) {
    EXPECT_NE(std::string(violation.what()).find("mutex, held by task 2 (forgets), 1 waiters"),
              std::string::npos)
        << violation.what();
  }
}

TEST(RwSemaphore, RefusesAReadersReleaseBySomebodyElse) {
  TasksWorld world(rwsem_variant("spinning"), 1, 2);
  RwSemaphore lock(world.locks, world.scheduler, "lock");
  int refused = 0;
  world.task("reader", 0, [&](Task& task) {
    lock.down_read(task);
    work(task, 100_us);
    lock.up_read(task);
  });
  world.task("thief", 1, [&](Task& task) {
    work(task, 50_us);
    EXPECT_EQ(lock.describe(), "lock, held for reading by task 2 (reader), 0 waiters");
    EXPECT_THROW(lock.up_read(task), Violation);
    ++refused;
  });
  world.engine.run();
  EXPECT_EQ(refused, 1);
}

TEST(RwSemaphore, CountsTheLongestHoldOfASingleReader) {
  TasksWorld world(rwsem_variant("spinning"), 1, 3);
  RwSemaphore lock(world.locks, world.scheduler, "lock");
  for (const std::uint32_t core : {0u, 1u, 2u})
    world.task("reader", core, [&, core](Task& task) {
      task.bound = true;
      work(task, core * 40_us);
      lock.down_read(task);
      work(task, 50_us); // overlapping the next
      lock.up_read(task);
    });
  world.engine.run();
  EXPECT_GE(world.stats("lock").hold_max, 50_us);
  EXPECT_LT(world.stats("lock").hold_max, 51_us);
  EXPECT_GE(world.stats("lock").hold, 150_us);
}

} // namespace
} // namespace mmsim::sleeping_locks_test
