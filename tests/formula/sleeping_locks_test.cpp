// What taking and handing over sleeping locks costs, in closed form from the cost book.
#include "models/locks/mutex.hpp"
#include "models/locks/rw_semaphore.hpp"
#include "tests/support/tasks_world.hpp"

#include <algorithm>
#include <gtest/gtest.h>

namespace mmsim::sleeping_locks_test {
namespace {

using namespace literals;

/// Of a machine whose cores are all in one cluster.
struct Costs {
  explicit Costs(Machine& machine)
      : hit(machine.costs().line.hit), atomic(machine.costs().line.atomic), dram(machine.costs().line.dram),
        request(machine.costs().line.request),
        transfer(machine.costs().line.transfer + machine.topology().latency(Distance::cluster)) {}
  Duration hit, atomic, dram, request;
  Duration transfer; ///< a line comes from another core, or is taken away from it
};

/// Ticks stay out of the way.
Variant quiet(Variant variant) {
  variant.settings.emplace_back("kernel.hz", std::int64_t{1});
  return variant;
}

template <class Lock>
struct LockWorld : TasksWorld {
  explicit LockWorld(const Variant& variant)
      : TasksWorld(quiet(variant), 1, 2), lock(locks, scheduler, "lock") {}
  ~LockWorld() { engine.dismiss_fibers(); }
  LockClassStats stats() const { return TasksWorld::stats("lock"); }
  /// How long `body` takes, and nothing else happens meanwhile.
  Duration took(Task& task, const std::function<void()>& body) {
    task.core().settle();
    const Instant start = task.now();
    body();
    task.core().settle();
    return task.now() - start;
  }
  Lock lock;
};

std::string name_of(const testing::TestParamInfo<Variant>& info) { return info.param.name; }

class UncontendedRwSemaphore : public testing::TestWithParam<Variant> {};
INSTANTIATE_TEST_SUITE_P(Variants, UncontendedRwSemaphore, testing::ValuesIn(rwsem_variants), name_of);

TEST_P(UncontendedRwSemaphore, CostsTheSumOfItsLineAccesses) {
  LockWorld<RwSemaphore> world(GetParam());
  const Costs c(world.machine);
  // The count once on the way in and once on the way out; in 5.10 a writer also stores and clears the owner,
  // and a reader reads it and stores itself.
  const Duration owner_word = GetParam().name == std::string("fifo") ? 0_ns : 2 * c.hit;
  Duration first, write, read, downgraded, fetched;
  world.task("first", 0, [&](Task& task) {
    task.bound = true;
    const auto write_once = [&] {
      world.lock.down_write(task);
      world.lock.up_write(task);
    };
    first = world.took(task, write_once);
    write = world.took(task, write_once);
    read = world.took(task, [&] {
      world.lock.down_read(task);
      world.lock.up_read(task);
    });
    downgraded = world.took(task, [&] {
      world.lock.down_write(task);
      world.lock.downgrade_write(task);
      world.lock.up_read(task);
    });
  });
  world.task("second", 1, [&](Task& task) {
    task.bound = true;
    work(task, 100_us);
    fetched = world.took(task, [&] {
      world.lock.down_read(task);
      world.lock.up_read(task);
    });
    EXPECT_EQ(task.ledger.total(Account::lock_spin), 0_ns);
    EXPECT_EQ(task.ledger.total(Account::lock_sleep), 0_ns);
  });
  world.engine.run();
  EXPECT_EQ(first, (c.dram + c.atomic) + (c.hit + c.atomic) + owner_word);
  EXPECT_EQ(write, 2 * (c.hit + c.atomic) + owner_word);
  EXPECT_EQ(read, 2 * (c.hit + c.atomic) + owner_word);
  // In 5.10: the owner stored; then as a reader read and stored.
  EXPECT_EQ(downgraded, 3 * (c.hit + c.atomic) + (owner_word == 0_ns ? 0_ns : 3 * c.hit));
  EXPECT_EQ(fetched, (c.transfer + c.atomic) + (c.hit + c.atomic) + owner_word);
  EXPECT_EQ(world.stats().acquired, 5u);
  EXPECT_EQ(world.stats().contended, 0u);
  EXPECT_EQ(world.stats().acq_bounces, 2u) << "the first, and the second task's";
}

class UncontendedMutex : public testing::TestWithParam<Variant> {};
INSTANTIATE_TEST_SUITE_P(Variants, UncontendedMutex, testing::ValuesIn(mutex_variants), name_of);

TEST_P(UncontendedMutex, CostsTheSumOfItsLineAccesses) {
  LockWorld<Mutex> world(GetParam());
  const Costs c(world.machine);
  Duration first, again, fetched;
  const auto once = [&](Task& task) {
    return world.took(task, [&] {
      world.lock.lock(task);
      world.lock.unlock(task);
    });
  };
  world.task("first", 0, [&](Task& task) {
    task.bound = true;
    first = once(task);
    again = once(task);
  });
  world.task("second", 1, [&](Task& task) {
    task.bound = true;
    work(task, 100_us);
    fetched = once(task);
  });
  world.engine.run();
  EXPECT_EQ(first, (c.dram + c.atomic) + (c.hit + c.atomic));
  EXPECT_EQ(again, 2 * (c.hit + c.atomic));
  EXPECT_EQ(fetched, (c.transfer + c.atomic) + (c.hit + c.atomic));
}

/// Core 0 holds the lock for a while, core 1 asks for it meanwhile. Returns the time from the beginning of
/// the release to the acquisition.
template <class Lock>
Duration hand_over(LockWorld<Lock>& world, void (Lock::*take)(Task&), void (Lock::*release)(Task&)) {
  Instant requested, released;
  world.task("holder", 0, [&, take, release](Task& task) {
    task.bound = true;
    (world.lock.*take)(task);
    work(task, 100_us);
    released = task.now();
    (world.lock.*release)(task);
    work(task, 1_ms); // still there: no lines of the scheduler are in the way
  });
  world.task("waiter", 1, [&, take, release](Task& task) {
    task.bound = true;
    work(task, 50_us);
    requested = task.now();
    (world.lock.*take)(task);
    (world.lock.*release)(task);
  });
  world.engine.run();
  EXPECT_EQ(world.stats().contended, 1u);
  EXPECT_EQ(world.stats().con_bounces, 1u);
  return world.stats().wait - (released - requested);
}

TEST(SpinningRwSemaphore, IsHandedToASpinningWriterInThreeTransfers) {
  LockWorld<RwSemaphore> world(rwsem_variant("spinning"));
  const Costs c(world.machine);
  // The owner is cleared, which takes the line from the spinner. The spinner reads it back, and its request is on
  // its way while the count goes down, for which the line stays. Then it looks at the count twice, and compares and
  // swaps it.
  const Duration count_down = c.hit + c.atomic;
  EXPECT_EQ(hand_over(world, &RwSemaphore::down_write, &RwSemaphore::up_write),
            c.transfer + std::max(c.transfer, count_down + (c.transfer - c.request)) + 2 * c.hit +
                (c.transfer + c.atomic));
}

TEST(FifoRwSemaphore, IsHandedToASleepingWriterBeforeItWakesUp) {
  LockWorld<RwSemaphore> world(rwsem_variant("fifo"));
  const Costs c(world.machine);
  // The count, which the waiter has had last, wait_lock on the same line, and the count again.
  EXPECT_EQ(hand_over(world, &RwSemaphore::down_write, &RwSemaphore::up_write),
            (c.transfer + c.atomic) + (c.hit + c.atomic) + (c.hit + c.atomic));
}

TEST(CountMutex, IsHeldUntilItsSlowPathHasStoredThatItIsFree) {
  LockWorld<Mutex> world(mutex_variants[0]);
  const Costs c(world.machine);
  Duration held{};
  world.task("holder", 0, [&](Task& task) {
    task.bound = true;
    world.lock.lock(task);
    const Instant got = task.now();
    work(task, 100_us);
    held = task.now() - got;
    world.lock.unlock(task);
    work(task, 1_ms);
  });
  world.task("waiter", 1, [&](Task& task) {
    task.bound = true;
    work(task, 50_us);
    world.lock.lock(task);
    world.lock.unlock(task);
  });
  world.engine.run();
  // The count, which the waiter has had last, and wait_lock on the same line; then the count is stored.
  EXPECT_EQ(world.stats().hold_max, held + (c.transfer + c.atomic) + (c.hit + c.atomic));
}

TEST(SpinningMutex, IsHandedToASpinnerInThreeTransfers) {
  LockWorld<Mutex> world(mutex_variants[2]);
  const Costs c(world.machine);
  // The owner word is cleared, which takes the line from the spinner; the spinner reads it back, and again,
  // and compares and swaps it.
  EXPECT_EQ(hand_over(world, &Mutex::lock, &Mutex::unlock),
            (c.transfer + c.atomic) + c.transfer + c.hit + (c.transfer + c.atomic));
}

} // namespace
} // namespace mmsim::sleeping_locks_test
