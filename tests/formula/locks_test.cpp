// What taking and handing over a spinlock costs, in closed form from the cost book.
#include "tests/support/locks_world.hpp"

#include <gtest/gtest.h>

namespace mmsim::locks_test {
namespace {

using namespace literals;

/// Of a machine whose cores are all in one cluster.
struct Costs {
  explicit Costs(Machine& machine)
      : hit(machine.costs().line.hit), atomic(machine.costs().line.atomic), dram(machine.costs().line.dram),
        transfer(machine.costs().line.transfer + machine.topology().latency(Distance::cluster)) {}
  Duration hit, atomic, dram;
  Duration transfer; ///< a line comes from another core, or is taken away from it
};

Duration spent(const LocksWorld& world, std::uint32_t core, Account account) {
  return world.ledgers[core].total(account);
}

struct Uncontended {
  const char* kind;
  Duration (*first)(const Costs&);   ///< from memory
  Duration (*again)(const Costs&);   ///< by the core that had it last
  Duration (*fetched)(const Costs&); ///< from the core that had it last
};

// Printed by name, so that a failing test says which lock it is.
void PrintTo(const Uncontended& row, std::ostream* out) { *out << row.kind; }

class UncontendedLock : public testing::TestWithParam<Uncontended> {};

TEST_P(UncontendedLock, CostsTheSumOfItsLineAccesses) {
  LocksWorld world(GetParam().kind, 1, 2);
  const Costs costs(world.machine);
  const auto lock = world.locks.make("test_lock");
  Instant first, again, fetched_start, fetched;
  world.on(0, [&](Core& core) {
    lock->lock(core);
    lock->unlock(core);
    core.settle();
    first = core.now();
    lock->lock(core);
    lock->unlock(core);
    core.settle();
    again = core.now();
  });
  world.on(1, [&](Core& core) {
    core.charge(10_us, Account::work);
    core.settle();
    fetched_start = core.now();
    lock->lock(core);
    lock->unlock(core);
    core.settle();
    fetched = core.now();
  });
  world.engine.run();
  EXPECT_EQ(first - Instant{}, GetParam().first(costs));
  EXPECT_EQ(again - first, GetParam().again(costs));
  EXPECT_EQ(fetched - fetched_start, GetParam().fetched(costs));
  EXPECT_EQ(spent(world, 0, Account::lock_spin), 0_ns);
  EXPECT_EQ(spent(world, 1, Account::lock_spin), 0_ns);
  EXPECT_EQ(spent(world, 1, Account::coherence), fetched - fetched_start - costs.hit);
  const LockClassStats stats = world.counters.snapshot().lock_class("test_lock");
  EXPECT_EQ(stats.acquired, 3u);
  EXPECT_EQ(stats.contended, 0u);
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, UncontendedLock,
    testing::Values(Uncontended{"tas", // LDREX, STREX; store
                                [](const Costs& c) { return c.dram + (c.hit + c.atomic) + c.hit; },
                                [](const Costs& c) { return c.hit + (c.hit + c.atomic) + c.hit; },
                                [](const Costs& c) { return c.transfer + (c.transfer + c.atomic) + c.hit; }},
                    Uncontended{"ticket", // fetch-and-add; store
                                [](const Costs& c) { return c.dram + c.atomic + c.hit; },
                                [](const Costs& c) { return c.hit + c.atomic + c.hit; },
                                [](const Costs& c) { return c.transfer + c.atomic + c.hit; }},
                    Uncontended{"queued", // compare-and-swap; store
                                [](const Costs& c) { return c.dram + c.atomic + c.hit; },
                                [](const Costs& c) { return c.hit + c.atomic + c.hit; },
                                [](const Costs& c) { return c.transfer + c.atomic + c.hit; }}),
    [](const auto& info) { return std::string(info.param.kind); });

struct HandOver {
  const char* kind;
  Duration (*cost)(const Costs&); ///< from one core to the only one that waits
};
void PrintTo(const HandOver& row, std::ostream* out) { *out << row.kind; }

class LockHandOver : public testing::TestWithParam<HandOver> {};

TEST_P(LockHandOver, BetweenTwoCoresIsWhatItsTransfersAddUpTo) {
  LocksWorld world(GetParam().kind, 1, 2);
  const Costs costs(world.machine);
  const auto lock = world.locks.make("test_lock");
  Instant requested, released, acquired;
  world.on(0, [&](Core& core) {
    lock->lock(core);
    core.charge(20_us, Account::work);
    core.settle();
    released = core.now();
    lock->unlock(core);
  });
  world.on(1, [&](Core& core) {
    core.charge(1_us, Account::work);
    core.settle();
    requested = core.now();
    lock->lock(core);
    acquired = core.now();
  });
  world.engine.run();
  EXPECT_EQ(acquired - released, GetParam().cost(costs));
  // Whether the lock is free is known when the first access is back: it is coherence, all the rest is
  // waiting.
  const Duration first_access =
      GetParam().kind == std::string("tas") ? costs.transfer : costs.transfer + costs.atomic;
  EXPECT_EQ(spent(world, 1, Account::coherence), first_access);
  EXPECT_EQ(spent(world, 1, Account::lock_spin), acquired - requested - first_access);
  const LockClassStats stats = world.counters.snapshot().lock_class("test_lock");
  EXPECT_EQ(stats.contended, 1u);
  EXPECT_EQ(stats.wait, acquired - requested); // the first taker found it free: no wait
  EXPECT_EQ(stats.wait_max, stats.wait);
  EXPECT_EQ(stats.acq_bounces, 2u);
  EXPECT_EQ(stats.con_bounces, 1u);
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, LockHandOver,
    testing::Values(HandOver{"tas", // the release takes the line, the waiter reads it, and takes it
                             [](const Costs& c) {
                               return c.transfer + c.transfer + (c.transfer + c.atomic);
                             }},
                    HandOver{"ticket", // the release takes the line, the waiter reads it
                             [](const Costs& c) { return c.transfer + c.transfer; }},
                    HandOver{"queued", // the same; then it takes the line to turn pending into locked
                             [](const Costs& c) { return c.transfer + c.transfer + c.transfer; }}),
    [](const auto& info) { return std::string(info.param.kind); });

// The third core is at the head of the MCS queue when the pending one releases: it sees the word free and
// claims it.
TEST(QueuedLock, IsClaimedByTheHeadOfItsQueueInThreeAccesses) {
  LocksWorld world("queued", 1, 3);
  const Costs costs(world.machine);
  const auto lock = world.locks.make("test_lock");
  Instant released, acquired;
  world.on(0, [&](Core& core) {
    lock->lock(core);
    core.charge(20_us, Account::work);
    lock->unlock(core);
  });
  world.on(1, [&](Core& core) {
    core.charge(1_us, Account::work);
    lock->lock(core);
    core.charge(20_us, Account::work);
    core.settle();
    released = core.now();
    lock->unlock(core);
  });
  world.on(2, [&](Core& core) {
    core.charge(2_us, Account::work);
    lock->lock(core);
    acquired = core.now();
  });
  world.engine.run();
  // The release's write, the waiter's read, his compare-and-swap.
  EXPECT_EQ(acquired - released, costs.transfer + costs.transfer + (costs.transfer + costs.atomic));
}

// A waiter in the middle of the MCS queue is told through the line of its own node.
TEST(QueuedLock, TellsTheNextInItsQueueThroughItsNode) {
  LocksWorld world("queued", 1, 4);
  const Costs costs(world.machine);
  const auto lock = world.locks.make("test_lock");
  Instant released, acquired;
  for (std::uint32_t i = 0; i < 2; ++i)
    world.on(i, [&, i](Core& core) {
      core.charge(i * 1_us, Account::work);
      lock->lock(core);
      core.charge(20_us, Account::work);
      core.settle();
      released = core.now();
      lock->unlock(core);
    });
  world.on(2, [&](Core& core) {
    core.charge(2_us, Account::work);
    lock->lock(core);
    acquired = core.now();
    core.charge(20_us, Account::work);
    lock->unlock(core);
  });
  world.on(3, [&](Core& core) {
    core.charge(3_us, Account::work);
    lock->lock(core);
  });
  world.engine.run();
  // The release's write, the waiter's read, set_locked (there is somebody behind: no compare-and-swap),
  // `next` in its own node, `locked` in that one's, the count of nodes in use.
  EXPECT_EQ(acquired - released, 6 * costs.transfer);
}

} // namespace
} // namespace mmsim::locks_test
