// What the queued rwlock costs when nobody is in the way, and when one core hands over to another.
#include "models/locks/rw_lock.hpp"
#include "tests/support/line_costs.hpp"
#include "tests/support/locks_world.hpp"

#include <gtest/gtest.h>

namespace mmsim::rw_lock_test {
namespace {

using namespace literals;

struct RwLockCosts : testing::Test {
  LocksWorld world{"queued", 1, 2};
  const ClusterLineCosts costs{world.machine};
  RwLock lock{world.locks, world.machine, "tasklist_lock"};
  Duration took{};

  void measure(Core& core, const std::function<void()>& body) {
    core.settle();
    const Instant start = core.now();
    body();
    core.settle();
    took = core.now() - start;
  }
  LockClassStats stats() { return world.counters.snapshot().lock_class("tasklist_lock"); }
};

TEST_F(RwLockCosts, OfAReaderAreTwoAtomicAccessesToTheLine) {
  world.on(0, [&](Core& core) {
    lock.read_lock(core);
    lock.read_unlock(core);
    measure(core, [&] {
      lock.read_lock(core);
      lock.read_unlock(core);
    });
  });
  world.engine.run();
  EXPECT_EQ(took, 2 * (costs.hit + costs.atomic));
  EXPECT_EQ(stats().acquired, 2u);
  EXPECT_EQ(stats().contended, 0u);
}

TEST_F(RwLockCosts, OfAReaderWhoseLineIsAtAnotherReaderAreATransferMore) {
  world.on(0, [&](Core& core) { lock.read_lock(core); });
  world.on(1, [&](Core& core) {
    core.charge(10_us, Account::work);
    measure(core, [&] {
      lock.read_lock(core);
      lock.read_unlock(core);
    });
  });
  world.engine.run();
  EXPECT_EQ(took, (costs.transfer + costs.atomic) + (costs.hit + costs.atomic));
  EXPECT_EQ(stats().contended, 0u) << "readers are in no reader's way";
}

TEST_F(RwLockCosts, OfAWriterAreAnAtomicAccessAndAStore) {
  world.on(0, [&](Core& core) {
    lock.write_lock(core);
    lock.write_unlock(core);
    measure(core, [&] {
      lock.write_lock(core);
      lock.write_unlock(core);
    });
  });
  world.engine.run();
  EXPECT_EQ(took, (costs.hit + costs.atomic) + costs.hit);
}

// The waiting reader has wait_lock and looks at the word: the release takes the line away, the reader gets it
// back, and hands wait_lock on with a store.
TEST_F(RwLockCosts, FromAWriterToTheReaderThatWaitsAreThreeTransfers) {
  Instant released, acquired;
  world.on(0, [&](Core& core) {
    lock.write_lock(core);
    core.charge(20_us, Account::work);
    core.settle();
    released = core.now();
    lock.write_unlock(core);
  });
  world.on(1, [&](Core& core) {
    core.charge(1_us, Account::work);
    lock.read_lock(core);
    core.settle();
    acquired = core.now();
  });
  world.engine.run();
  EXPECT_EQ(acquired - released, 3 * costs.transfer);
  EXPECT_EQ(stats().contended, 1u);
}

// The writer has announced itself and looks at the word: the reader's subtraction takes the line away; a read,
// a compare-and-swap, a store to wait_lock.
TEST_F(RwLockCosts, FromAReaderToTheWriterThatWaitsAreFourAccesses) {
  Instant released, acquired;
  world.on(0, [&](Core& core) {
    lock.read_lock(core);
    core.charge(20_us, Account::work);
    core.settle();
    released = core.now();
    lock.read_unlock(core);
  });
  world.on(1, [&](Core& core) {
    core.charge(1_us, Account::work);
    lock.write_lock(core);
    core.settle();
    acquired = core.now();
  });
  world.engine.run();
  EXPECT_EQ(acquired - released, (costs.transfer + costs.atomic) // atomic_sub of the reader
                                     + costs.transfer            // the writer reads
                                     + (costs.transfer + costs.atomic) + costs.hit);
}

TEST_F(RwLockCosts, OfHoldingCountForEachReader) {
  const auto read = [&](Core& core) {
    lock.read_lock(core);
    core.charge(10_us, Account::work);
    lock.read_unlock(core);
  };
  world.on(0, read);
  world.on(1, read);
  world.engine.run();
  EXPECT_GE(stats().hold, 20_us);
  EXPECT_LT(stats().hold, 21_us);
  EXPECT_GE(stats().hold_max, 10_us);
  EXPECT_LT(stats().hold_max, 11_us);
}

} // namespace
} // namespace mmsim::rw_lock_test
