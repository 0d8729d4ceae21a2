// The engine: order, failures, deadlock and livelock, teardown, limits of time. One engine a process: one a
// test.

#include "sim/engine/engine.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/child.hpp"

namespace mmsim::engine_test {
namespace {

using namespace literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

Instant at(Duration since_start) { return Instant(since_start); }

// What run() throws, as text.
template <class Error>
std::string error_of_run(Engine& engine) {
  try {
    engine.run();
  } catch (const Error& error) {
    return error.what();
  }
  return "(nothing was thrown)";
}

struct Named : Waitable {
  std::string text;
  explicit Named(std::string words) : text(std::move(words)) {}
  std::string describe() const override { return text; }
};

// --- order

TEST(EngineOrder, EventsAtOneInstantHappenInTheOrderOfPosting) {
  Engine engine;
  std::vector<std::string> order;
  engine.spawn("a", [&] {
    engine.wait_until(at(5_ns)); // posted fourth, when the fiber starts
    order.push_back("a");
  });
  engine.at(at(5_ns), [&] { order.push_back("first"); });
  engine.at(at(5_ns), [&] {
    order.push_back("second");
    engine.at(at(5_ns), [&] { order.push_back("posted during the instant"); });
  });
  engine.at(at(4_ns), [&] { order.push_back("earlier"); });
  engine.run();
  EXPECT_THAT(order, ElementsAre("earlier", "first", "second", "a", "posted during the instant"));
}

TEST(EngineOrder, FibersStartInTheOrderOfSpawningAndAfterWhatWasPostedBefore) {
  Engine engine;
  std::vector<std::string> order;
  engine.at(at(0_ns), [&] { order.push_back("event"); });
  for (const char* name : {"a", "b", "c"})
    engine.spawn(name, [&, name] {
      order.push_back(name);
      if (order.size() == 2) engine.spawn("child", [&] { order.push_back("child"); });
    });
  engine.run();
  EXPECT_THAT(order, ElementsAre("event", "a", "b", "c", "child"));
}

TEST(EngineOrder, WaitingForThePresentInstantLetsEverythingPostedForItHappenFirst) {
  Engine engine;
  std::vector<int> order;
  engine.spawn("a", [&] {
    order.push_back(1);
    engine.wait_until(engine.now());
    order.push_back(3);
  });
  engine.spawn("b", [&] { order.push_back(2); });
  engine.run();
  EXPECT_THAT(order, ElementsAre(1, 2, 3));
}

TEST(EngineOrder, APlaceInLineTakenEarlierCounts) {
  struct Note final : Event {
    Note(EventQueue& queue, std::vector<int>& out, int what) : Event(queue), order(out), id(what) {}
    void fire() override { order.push_back(id); }
    std::vector<int>& order;
    int id;
  };
  Engine engine;
  std::vector<int> order;
  Note late(engine.queue(), order, 1), early(engine.queue(), order, 2);
  const std::uint64_t place = engine.queue().reserve();
  engine.queue().post(early, at(1_ns));
  engine.queue().post(late, at(1_ns), place);
  engine.run();
  EXPECT_THAT(order, ElementsAre(1, 2));
}

// Eight fibers that meet at each instant: the order of their names, run after run.
std::vector<std::int64_t> order_of_ties(std::uint64_t seed) {
  return tests::in_child([seed] {
    Engine engine({.permute_ties = seed});
    std::vector<std::int64_t> order;
    for (int i = 0; i < 8; ++i)
      engine.spawn("f", [&, i] {
        for (int k = 1; k <= 4; ++k) {
          engine.wait_until(at(k * 1_ns));
          order.push_back(k * 100 + i);
        }
      });
    engine.run();
    return order;
  });
}

TEST(EngineOrder, PermutedTiesAreAnotherOrderThatTheSeedDecides) {
  const auto posted = order_of_ties(0), seed_1 = order_of_ties(1), seed_2 = order_of_ties(2);
  EXPECT_TRUE(std::is_sorted(posted.begin(), posted.end()));
  EXPECT_NE(seed_1, posted);
  EXPECT_NE(seed_2, posted);
  EXPECT_NE(seed_1, seed_2);
  EXPECT_EQ(seed_1, order_of_ties(1));
  // Only ties are permuted: the same events, and time still advances.
  auto sorted = seed_1;
  std::sort(sorted.begin(), sorted.end());
  EXPECT_EQ(sorted, posted);
  for (std::size_t i = 1; i < seed_1.size(); ++i)
    EXPECT_LE(seed_1[i - 1] / 100, seed_1[i] / 100);
}

TEST(EngineOrder, NeighbouringSeedsOfTiesDiffer) {
  for (const std::uint64_t seed : {2u, 4u, 6u, 100u})
    EXPECT_NE(order_of_ties(seed), order_of_ties(seed + 1)) << seed;
}

// --- wake-ups

TEST(EngineWakeUps, AnEarlierWakeUpSupersedesALaterOne) {
  Engine engine;
  std::vector<Instant> woken;
  Fiber& sleeper = engine.spawn("sleeper", [&] {
    engine.wait_until(at(100_ns));
    woken.push_back(engine.now());
    engine.wait_until(at(300_ns));
    woken.push_back(engine.now());
  });
  engine.at(at(40_ns), [&] { engine.wake(sleeper); });
  engine.run();
  EXPECT_THAT(woken, ElementsAre(at(40_ns), at(300_ns)));
}

TEST(EngineWakeUps, ALaterWakeUpSupersedesAnEarlierOne) {
  Engine engine;
  Instant woken;
  Fiber& sleeper = engine.spawn("sleeper", [&] {
    engine.wait_until(at(100_ns));
    woken = engine.now();
  });
  engine.at(at(40_ns), [&] { engine.wake_at(sleeper, at(150_ns)); });
  engine.run();
  EXPECT_EQ(woken, at(150_ns));
}

TEST(EngineWakeUps, ManyWakeUpsOfOneInstantAreOne) {
  Engine engine;
  int rounds = 0;
  Named nothing("nothing");
  Fiber& sleeper = engine.spawn(
      "sleeper",
      [&] {
        for (;;) {
          engine.park(&nothing);
          ++rounds;
        }
      },
      Fiber::Kind::daemon);
  engine.at(at(1_ns), [&] {
    for (int i = 0; i < 5; ++i)
      engine.wake(sleeper);
  });
  engine.run();
  EXPECT_EQ(rounds, 1);
}

TEST(EngineWakeUps, AWithdrawnEventDoesNotHappenAndADestroyedOneIsForgotten) {
  struct Count final : Event {
    using Event::Event;
    void fire() override { ++fired; }
    int fired = 0;
  };
  Engine engine;
  Count withdrawn(engine.queue()), kept(engine.queue()), again(engine.queue());
  auto destroyed = std::make_unique<Count>(engine.queue());
  for (Count* event : {&withdrawn, &kept, &again, destroyed.get()})
    engine.queue().post(*event, at(5_ns));
  withdrawn.withdraw();
  again.withdraw();
  engine.queue().post(again, at(6_ns));
  destroyed.reset();
  Count reuses_the_slot(engine.queue());
  EXPECT_FALSE(withdrawn.pending());
  EXPECT_TRUE(again.pending());
  engine.run();
  EXPECT_EQ(withdrawn.fired, 0);
  EXPECT_EQ(kept.fired, 1);
  EXPECT_EQ(again.fired, 1);
  EXPECT_EQ(reuses_the_slot.fired, 0);
  EXPECT_EQ(engine.now(), at(6_ns));
}

TEST(EngineWakeUps, ALoneFiberAdvancesWithoutSwitchingAndStillCountsEvents) {
  Engine engine;
  engine.spawn("lone", [&] {
    for (int i = 0; i < 1000; ++i)
      engine.wait_until(engine.now() + 1_ps);
  });
  engine.run();
  EXPECT_EQ(engine.now(), at(1_ns));
  EXPECT_EQ(engine.events(), 1001u);
}

TEST(EngineWakeUps, StoppingEndsTheRunBeforeTheNextEvent) {
  Engine engine;
  Instant after;
  bool other = false, ran_on = false;
  engine.spawn("a", [&] {
    engine.wait_until(at(5_ns));
    engine.stop();
    after = engine.now();
    engine.wait_until(at(6_ns));
    ran_on = true;
  });
  engine.at(at(7_ns), [&] { other = true; });
  engine.run();
  EXPECT_EQ(after, at(5_ns));
  EXPECT_FALSE(other);
  EXPECT_FALSE(ran_on);
  EXPECT_EQ(engine.now(), at(5_ns));
}

TEST(EngineWakeUps, ALoneFiberThatStopsTheRunDoesNotRunOn) {
  Engine engine;
  int rounds = 0;
  engine.spawn("lone", [&] {
    for (; rounds < 1000; ++rounds) {
      if (rounds == 3) engine.stop();
      engine.wait_until(engine.now() + 1_ns);
    }
  });
  engine.run();
  EXPECT_EQ(rounds, 3);
  EXPECT_EQ(engine.now(), at(3_ns));
}

// --- failures

TEST(EngineFailure, AnExceptionInAFiberEndsTheRunWithItsNameTimeAndOperation) {
  Engine engine;
  bool later = false;
  engine.spawn("walker of core 3", [&] {
    engine.current().operation = "munmap";
    engine.wait_until(at(1500_ps));
    throw std::runtime_error("no page there");
  });
  engine.spawn("other", [&] {
    engine.wait_until(at(2_ns));
    later = true;
  });
  EXPECT_EQ(error_of_run<std::runtime_error>(engine),
            "at 1.5 ns, in walker of core 3, operation munmap: no page there");
  EXPECT_FALSE(later);
}

TEST(EngineFailure, AViolationStaysAViolation) {
  Engine engine;
  engine.spawn("f", [&] { throw Violation("stale"); });
  EXPECT_EQ(error_of_run<Violation>(engine), "at 0 ns, in f: stale");
}

TEST(EngineFailure, AThrownIntegerIsReportedToo) {
  Engine engine;
  engine.spawn("f", [&] { throw 42; });
  EXPECT_THAT(error_of_run<std::runtime_error>(engine), HasSubstr("in f"));
}

TEST(EngineFailure, AnExceptionInACallbackIsNoFaultOfTheFiberThatWaits) {
  Engine engine;
  bool unwound = false;
  engine.spawn("innocent", [&] {
    struct Guard {
      bool& flag;
      ~Guard() { flag = true; }
    } guard{unwound};
    engine.wait_until(at(9_ns));
  });
  engine.at(at(3_ns), [] { throw std::runtime_error("broken callback"); });
  EXPECT_EQ(error_of_run<std::runtime_error>(engine), "at 3 ns: broken callback");
  EXPECT_FALSE(unwound) << "only the engine's end unwinds it";
}

TEST(EngineFailure, ACallbackBeforeAnyFiberMayThrowToo) {
  Engine engine;
  engine.at(at(3_ns), [] { throw Violation("broken callback"); });
  EXPECT_EQ(error_of_run<Violation>(engine), "at 3 ns: broken callback");
}

TEST(EngineFailure, AnExceptionThatTheFiberCatchesIsItsOwnAffair) {
  Engine engine;
  std::vector<int> seen;
  for (int i = 0; i < 2; ++i)
    engine.spawn("f", [&, i] {
      int caught = -1;
      try {
        engine.wait_until(at(1_ns));
        throw i;
      } catch (int number) {
        caught = number;
      }
      engine.wait_until(at(2_ns));
      seen.push_back(caught);
    });
  engine.run();
  EXPECT_THAT(seen, ElementsAre(0, 1));
}

TEST(EngineFailure, WaitingForThePastIsAnErrorWhetherOrNotAnythingIsPending) {
  for (const bool lone : {true, false}) {
    const auto result = tests::in_child([lone] {
      Engine engine;
      engine.spawn("backwards", [&] {
        engine.wait_until(at(5_ns));
        engine.wait_until(at(4_ns));
      });
      if (!lone) engine.at(at(9_ns), [] {});
      const std::string error = error_of_run<std::exception>(engine);
      return std::vector<std::int64_t>{error.find("past") != std::string::npos, engine.now() == at(5_ns)};
    });
    EXPECT_THAT(result, ElementsAre(1, 1)) << "lone: " << lone;
  }
}

// --- deadlock and livelock

TEST(EngineDeadlock, TheReportNamesWhoWaitsForWhatInWhichOperation) {
  Engine engine;
  Named lock("mmap_lock of mm 3, held by task 7");
  engine.spawn("task 8", [&] {
    engine.current().operation = "fork";
    engine.wait_until(at(2_ns));
    engine.park(&lock);
  });
  engine.spawn("task 9", [&] { engine.park(nullptr); });
  engine.spawn(
      "idle", [&] { engine.park(nullptr); }, Fiber::Kind::daemon);
  engine.spawn("done", [&] {});
  EXPECT_THAT(error_of_run<Violation>(engine),
              AllOf(HasSubstr("deadlock at 2 ns"),
                    HasSubstr("task 8 (in fork) waits for mmap_lock of mm 3, held by task 7"),
                    HasSubstr("task 9 waits for a wake-up that nobody has posted"), Not(HasSubstr("idle")),
                    Not(HasSubstr("done"))));
}

TEST(EngineDeadlock, ParkedDaemonsAreNone) {
  Engine engine;
  engine.spawn(
      "idle", [&] { engine.park(nullptr); }, Fiber::Kind::daemon);
  engine.spawn("worker", [&] { engine.wait_until(at(2_ns)); });
  EXPECT_NO_THROW(engine.run());
}

TEST(EngineDeadlock, ASupersededWakeUpKeepsNothingAlive) {
  Engine engine;
  Named lock("the lock");
  Fiber& f = engine.spawn("f", [&] {
    engine.wait_until(at(10_ns)); // woken at 1 ns: the entry at 10 ns stays in the heap
    engine.park(&lock);
  });
  engine.at(at(1_ns), [&] { engine.wake(f); });
  EXPECT_THAT(error_of_run<Violation>(engine), AllOf(HasSubstr("deadlock at 1 ns"), HasSubstr("the lock")));
}

TEST(EngineLivelock, TwoFibersThatWakeEachOtherForEverAreReported) {
  Engine engine({.livelock_events = 100});
  Fiber* fibers[2];
  for (int i = 0; i < 2; ++i)
    fibers[i] = &engine.spawn(i ? "pong" : "ping", [&, i] {
      engine.wait_until(at(1_ns));
      for (;;) {
        engine.wake(*fibers[1 - i]);
        engine.park(nullptr);
      }
    });
  EXPECT_THAT(error_of_run<Violation>(engine),
              AllOf(HasSubstr("livelock at 1 ns"), HasSubstr("ping"), HasSubstr("pong")));
}

TEST(EngineLivelock, ALoneFiberThatWaitsForThePresentInstantForEverIsReported) {
  Engine engine({.livelock_events = 100});
  engine.spawn("yields", [&] {
    for (int i = 0; i < 100'000; ++i)
      engine.wait_until(engine.now());
  });
  EXPECT_THAT(error_of_run<Violation>(engine), AllOf(HasSubstr("livelock at 0 ns"), HasSubstr("yields")));
}

TEST(EngineLivelock, CallbacksThatPostThemselvesAreReported) {
  Engine engine({.livelock_events = 100});
  std::function<void()> again = [&] { engine.at(engine.now(), again); };
  engine.at(at(1_ns), again);
  EXPECT_THAT(error_of_run<Violation>(engine), HasSubstr("livelock at 1 ns"));
}

TEST(EngineLivelock, ManyEventsAtManyInstantsAreNone) {
  Engine engine({.livelock_events = 100});
  for (int i = 0; i < 90; ++i)
    engine.spawn("f", [&] {
      for (int k = 1; k <= 50; ++k)
        engine.wait_until(at(k * 1_ps));
    });
  EXPECT_NO_THROW(engine.run());
}

// --- teardown

struct Counted {
  int& alive;
  explicit Counted(int& count) : alive(count) { ++alive; }
  ~Counted() { --alive; }
};

TEST(EngineTeardown, UnwindsTheStacksOfParkedFibersAndOfThoseThatNeverStarted) {
  int alive = 0;
  {
    Engine engine;
    for (int i = 0; i < 20; ++i)
      engine.spawn(
          "parked",
          [&] {
            Counted outer(alive);
            [&] {
              Counted inner(alive);
              engine.park(nullptr);
            }();
          },
          Fiber::Kind::daemon);
    engine.spawn("ends first", [&] { Counted one(alive); });
    engine.run();
    EXPECT_EQ(alive, 40);
    engine.spawn("never starts", [&, captured = std::make_shared<Counted>(alive)] { engine.park(nullptr); });
    EXPECT_EQ(alive, 41);
  }
  EXPECT_EQ(alive, 0);
}

TEST(EngineTeardown, UnwindsAfterAFailureToo) {
  int alive = 0;
  {
    Engine engine;
    engine.spawn("parked", [&] {
      Counted one(alive);
      engine.park(nullptr);
    });
    engine.spawn("fails", [&] {
      Counted one(alive);
      engine.wait_until(at(1_ns));
      throw std::runtime_error("no");
    });
    EXPECT_THROW(engine.run(), std::runtime_error);
    EXPECT_EQ(alive, 1);
  }
  EXPECT_EQ(alive, 0);
}

TEST(EngineTeardown, EngineCallsInDestructorsOfUnwoundStacksDoNothing) {
  bool passed = false;
  {
    Engine engine;
    struct Unlock {
      Engine& engine;
      Fiber& other;
      bool& passed;
      ~Unlock() {
        engine.wake(other);
        engine.wait_until(engine.now() + 5_ns);
        engine.wake_at(engine.current(), engine.now() + 5_ns);
        engine.park(nullptr);
        passed = true;
      }
    };
    Fiber& other = engine.spawn(
        "other", [&] { engine.park(nullptr); }, Fiber::Kind::daemon);
    engine.spawn(
        "holder",
        [&] {
          Unlock unlock{engine, other, passed};
          engine.park(nullptr);
        },
        Fiber::Kind::daemon);
    engine.at(at(1_ns), [&] { engine.stop(); });
    engine.at(at(4_ns), [] {});
    engine.run();
  }
  EXPECT_TRUE(passed);
}

TEST(EngineTeardown, CallbacksThatNeverHappenedAreReleased) {
  int alive = 0;
  {
    Engine engine;
    engine.at(at(1_ns), [&] { engine.stop(); });
    engine.at(at(9_ns), [one = std::make_shared<Counted>(alive)] {});
    engine.run();
    EXPECT_EQ(alive, 1);
  }
  EXPECT_EQ(alive, 0);
}

TEST(EngineTeardown, StacksOfEndedFibersAreUsedAgain) {
  Engine engine;
  int ended = 0;
  engine.spawn("parent", [&] {
    for (int i = 0; i < 100'000; ++i) { // as stacks made new, 6 GiB and 200,000 mappings
      engine.spawn("child", [&] {
        volatile char deep[16 * 1024];
        deep[sizeof deep - 1] = 1;
        deep[0] = deep[sizeof deep - 1];
        ended += deep[0];
      });
      engine.wait_until(engine.now());
    }
  });
  engine.run();
  EXPECT_EQ(ended, 100'000);
}

// --- limits

TEST(EngineTime, BeyondWhatSimGridsClockResolvesIsRefused) {
  Engine engine;
  Instant reached;
  engine.spawn("f", [&] {
    engine.wait_until(at(3'999'999'999'999_ns));
    reached = engine.now();
    engine.wait_until(at(4'000'000'000'001_ns));
    reached = engine.now();
  });
  EXPECT_THAT(error_of_run<std::runtime_error>(engine), HasSubstr("4e12 ns"));
  EXPECT_EQ(reached, at(3'999'999'999'999_ns));
}

TEST(EngineTime, StepsOfOnePicosecondAreKeptFarOut) {
  Engine engine;
  std::vector<Instant> seen;
  for (int i = 0; i < 2; ++i)
    engine.spawn("f", [&, i] {
      engine.wait_until(at(3'900'000'000'000_ns + i * 1_ps));
      for (int k = 0; k < 3; ++k) {
        seen.push_back(engine.now());
        engine.wait_until(engine.now() + 2_ps);
      }
    });
  engine.run();
  ASSERT_EQ(seen.size(), 6u);
  for (int i = 0; i < 6; ++i)
    EXPECT_EQ(seen[static_cast<std::size_t>(i)], at(3'900'000'000'000_ns + i * 1_ps));
}

TEST(EngineTime, ASecondEngineInOneProcessIsRefused) {
  Engine engine;
  EXPECT_THROW(Engine second, std::logic_error);
}

} // namespace
} // namespace mmsim::engine_test
