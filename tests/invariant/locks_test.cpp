// Random programs of many cores on few spinlocks: nobody is inside with somebody else, everybody gets on, and
// the figures add up.
#include "tests/support/locks_world.hpp"

#include <array>
#include <gtest/gtest.h>
#include <tuple>
#include <vector>

namespace mmsim::locks_test {
namespace {

using namespace literals;

/// A lock and what only its owner may touch.
struct Guarded {
  Guarded(SpinLocks& locks, const char* name, CacheLine* line = nullptr)
      : name(name), lock(locks.make(name, line)) {}

  void enter(Core& core) {
    lock->lock(core);
    entered = core.now();
    EXPECT_EQ(inside++, 0) << name << " at " << core.now().time_since_epoch().count() << " ps";
    EXPECT_TRUE(lock->held_by(core.id()));
    ++acquired;
  }
  // The release takes effect when its store does, which is when unlock() returns.
  void leave(Core& core) {
    core.settle();
    EXPECT_EQ(inside--, 1) << name;
    lock->unlock(core);
    EXPECT_FALSE(lock->held_by(core.id()));
  }

  const char* name;
  std::unique_ptr<SpinLock> lock;
  int inside = 0;
  std::uint64_t acquired = 0;
  Instant entered{};
};

/// An interrupt handler that takes a lock, perhaps while the code that it interrupts waits for another one.
struct LockingHandler : InterruptHandler {
  LockingHandler(Guarded& guarded, RandomStream random) : guarded(guarded), random(std::move(random)) {}
  void handle(Core& core) override {
    guarded.enter(core);
    core.charge(random.below(300_ns), Account::work);
    guarded.leave(core);
  }
  Guarded& guarded;
  RandomStream random;
};

class RandomLocking : public testing::TestWithParam<std::tuple<const char*, int>> {};

TEST_P(RandomLocking, ExcludesEverybodyElseAndLetsEverybodyFinish) {
  const auto [kind, seed] = GetParam();
  constexpr std::uint32_t clusters = 4, cores_per_cluster = 3, cores = clusters * cores_per_cluster;
  constexpr int rounds = 400;
  Engine::Options options;
  options.permute_ties = static_cast<std::uint64_t>(seed % 2 == 0 ? seed : 0);
  LocksWorld world(kind, clusters, cores_per_cluster, options);

  // Two on one line, one on its own, and one that is for interrupts alone.
  CacheLine line("two locks");
  Guarded left(world.locks, "left", &line), right(world.locks, "right", &line), apart(world.locks, "apart");
  Guarded in_interrupts(world.locks, "in_interrupts");
  const std::array<Guarded*, 3> guarded{&left, &right, &apart};
  LockingHandler handler(in_interrupts, RandomStream(static_cast<std::uint64_t>(seed), "handler"));
  world.machine.set_handler(Irq::tick, handler);

  std::uint32_t finished = 0;
  for (std::uint32_t id = 0; id < cores; ++id)
    world.on(id,
             [&, id, random = RandomStream(static_cast<std::uint64_t>(seed), "cpu " + std::to_string(id))](
                 Core& core) mutable {
               for (int round = 0; round < rounds; ++round) {
                 // From nearly idle locks to all cores at one.
                 const Duration think =
                     random.below(4) == 0 ? Duration{} : random.exponential(round % 100 < 50 ? 5_us : 100_ns);
                 core.charge(think, Account::user);
                 Guarded& first = *guarded[random.below(guarded.size())];
                 const bool masked = random.below(3) == 0;
                 if (masked) core.irq_disable();
                 first.enter(core);
                 core.charge(random.below(3) == 0 ? Duration{} : random.exponential(200_ns), Account::work);
                 // `apart` nests inside the others: a second word of waiting while one lock is held.
                 const bool nested = &first != &apart && random.below(4) == 0;
                 if (nested) {
                   apart.enter(core);
                   core.charge(random.below(100_ns), Account::work);
                   apart.leave(core);
                 }
                 first.leave(core);
                 if (masked) core.irq_enable();
               }
               core.settle();
               ++finished;
             });

  // Interrupts all the time, more than cores have of it at some moments.
  world.engine.spawn(
      "interrupts", [&, random = RandomStream(static_cast<std::uint64_t>(seed), "interrupts")]() mutable {
        while (finished < cores) {
          world.engine.wait_until(world.engine.now() + random.exponential(300_ns));
          world.machine.core(CoreId(static_cast<std::uint32_t>(random.below(cores)))).raise(Irq::tick);
        }
      });
  world.engine.run();

  EXPECT_EQ(finished, cores);
  const Counters::Snapshot counts = world.counters.snapshot();
  std::uint64_t contended = 0;
  for (const Guarded* one : {&left, &right, &apart, &in_interrupts}) {
    EXPECT_FALSE(one->lock->held()) << one->name;
    EXPECT_EQ(counts.lock_class(one->name).acquired, one->acquired) << one->name;
    contended += counts.lock_class(one->name).contended;
  }
  EXPECT_GE(left.acquired + right.acquired + apart.acquired, cores * rounds);
  EXPECT_GT(in_interrupts.acquired, 1000u) << "interrupts hardly happened";
  EXPECT_GT(contended, 1000u) << "locks were hardly contended";
}

INSTANTIATE_TEST_SUITE_P(Kinds, RandomLocking,
                         testing::Combine(testing::Values("tas", "ticket", "queued"), testing::Range(1, 5)),
                         [](const auto& info) {
                           return std::string(std::get<0>(info.param)) + "_" +
                                  std::to_string(std::get<1>(info.param));
                         });

class EveryKind : public testing::TestWithParam<const char*> {};

TEST_P(EveryKind, CountsWaitAndHoldTimesThatTheCallersMeasure) {
  LocksWorld world(GetParam(), 2, 3);
  const auto lock = world.locks.make("test_lock");
  Duration wait{}, hold{}, longest{};
  std::uint64_t last_contended = 0;
  for (std::uint32_t id = 0; id < world.machine.cpus(); ++id)
    world.on(id, [&, random = RandomStream(7, "cpu " + std::to_string(id))](Core& core) mutable {
      for (int round = 0; round < 50; ++round) {
        core.charge(random.below(1_us), Account::user);
        core.settle();
        const Instant requested = core.now();
        const auto contended = [&] { return world.counters.snapshot().lock_class("test_lock").contended; };
        lock->lock(core);
        const Instant acquired = core.now();
        // Others may be counted meanwhile, but only who holds the lock is counted at this instant.
        if (last_contended != contended()) {
          last_contended = contended();
          wait += acquired - requested;
          longest = std::max(longest, acquired - requested);
        }
        core.charge(random.below(1_us), Account::work);
        lock->unlock(core);
        hold += core.now() - acquired;
      }
    });
  world.engine.run();
  const LockClassStats stats = world.counters.snapshot().lock_class("test_lock");
  EXPECT_EQ(stats.acquired, 300u);
  EXPECT_GT(stats.contended, 0u);
  EXPECT_LT(stats.contended, 300u);
  EXPECT_EQ(stats.wait, wait);
  EXPECT_EQ(stats.wait_max, longest);
  EXPECT_EQ(stats.hold, hold);
  for (const Ledger& ledger : world.ledgers) {
    Duration sum{};
    for (const Duration total : ledger.totals())
      sum += total;
    EXPECT_EQ(sum, ledger.booked_until() - Instant{});
    EXPECT_GT(ledger.total(Account::lock_spin), 0_ns);
  }
}

TEST_P(EveryKind, RefusesToBeTakenTwiceByOneCore) {
  LocksWorld world(GetParam(), 1, 1);
  const auto lock = world.locks.make("test_lock");
  world.on(0, [&](Core& core) {
    lock->lock(core);
    lock->lock(core);
  });
  try {
    world.engine.run();
    FAIL() << "no Violation";
  } catch (const Violation& violation) {
    EXPECT_NE(std::string(violation.what()).find("cpu 0 takes test_lock, held by cpu 0"), std::string::npos)
        << violation.what();
  }
}

TEST_P(EveryKind, RefusesToBeReleasedByAnotherCore) {
  LocksWorld world(GetParam(), 1, 2);
  const auto lock = world.locks.make("test_lock");
  world.on(0, [&](Core& core) { lock->lock(core); });
  world.on(1, [&](Core& core) {
    core.charge(1_us, Account::work);
    core.settle();
    lock->unlock(core);
  });
  try {
    world.engine.run();
    FAIL() << "no Violation";
  } catch (const Violation& violation) {
    EXPECT_NE(std::string(violation.what()).find("cpu 1 releases test_lock, held by cpu 0"),
              std::string::npos)
        << violation.what();
  }
}

TEST_P(EveryKind, TakesAnInterruptWhileItSpinsButNotWhileItSpinsWithInterruptsOff) {
  LocksWorld world(GetParam(), 1, 3);
  struct Clock : InterruptHandler {
    void handle(Core& core) override { taken[core.id().value()] = core.now(); }
    std::array<Instant, 3> taken{};
  } clock;
  world.machine.set_handler(Irq::tick, clock);
  const auto lock = world.locks.make("test_lock");
  Instant released;
  world.on(0, [&](Core& core) {
    lock->lock(core);
    core.charge(20_us, Account::work);
    core.settle();
    released = core.now();
    lock->unlock(core);
  });
  world.on(1, [&](Core& core) {
    core.charge(1_us, Account::work);
    lock->lock(core);
    lock->unlock(core);
  });
  world.on(2, [&](Core& core) {
    core.charge(1_us, Account::work);
    lock->lock_irqsave(core);
    lock->unlock_irqrestore(core);
  });
  const Instant raised = Instant{} + 10_us;
  world.engine.at(raised, [&] {
    world.machine.core(CoreId(1)).raise(Irq::tick);
    world.machine.core(CoreId(2)).raise(Irq::tick);
  });
  world.engine.run();
  EXPECT_EQ(clock.taken[1], raised);
  EXPECT_GT(clock.taken[2], released);
}

INSTANTIATE_TEST_SUITE_P(Kinds, EveryKind, testing::Values("tas", "ticket", "queued"),
                         [](const auto& info) { return std::string(info.param); });

class FairKind : public testing::TestWithParam<const char*> {};

TEST_P(FairKind, ServesItsWaitersInTheOrderInWhichTheyCame) {
  LocksWorld world(GetParam(), 4, 4);
  const auto lock = world.locks.make("test_lock");
  // Near and far cores in turn, 1 us apart: longer than any way to the lock.
  const std::vector<std::uint32_t> arrivals{5, 14, 0, 7, 12, 2, 9, 15, 4, 1, 11, 6, 13, 3, 10, 8};
  std::vector<std::uint32_t> served;
  for (std::size_t i = 0; i < arrivals.size(); ++i)
    world.on(arrivals[i], [&, i](Core& core) {
      core.charge((1 + static_cast<std::int64_t>(i)) * 1_us, Account::user);
      for (int turn = 0; turn < 3; ++turn) {
        lock->lock(core);
        served.push_back(core.id().value());
        core.charge(30_us, Account::work);
        lock->unlock(core);
        core.charge(1_us, Account::user);
      }
    });
  world.engine.run();
  ASSERT_EQ(served.size(), 3 * arrivals.size());
  for (std::size_t i = 0; i < served.size(); ++i)
    EXPECT_EQ(served[i], arrivals[i % arrivals.size()]) << "acquisition " << i;
}

INSTANTIATE_TEST_SUITE_P(Kinds, FairKind, testing::Values("ticket", "queued"),
                         [](const auto& info) { return std::string(info.param); });

} // namespace
} // namespace mmsim::locks_test
