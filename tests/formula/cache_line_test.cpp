// Cache lines: what an access costs in each state and at each distance, who waits for whom, and when values
// exist.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/child.hpp"
#include "tests/support/test_machine.hpp"

namespace mmsim::cache_line_test {
namespace {

using namespace literals;
using testing::ElementsAre;
using tests::small_machine;
using tests::TestMachine;

constexpr Duration hit = 1_ns, atomic = 5_ns, transfer = 25_ns, dram = 95_ns, request = 10_ns, share = 7_ns;

/// What a saturated line spends on handing itself from `holder` to `core` for writing; `home` touched it first.
Duration serial(TestMachine& m, std::uint32_t home, std::uint32_t holder, std::uint32_t core) {
  const Topology& topology = m.machine.topology();
  const auto latency = [&](std::uint32_t a, std::uint32_t b) {
    return topology.latency(CoreId(a), CoreId(b));
  };
  if (holder / 4 == core / 4) return transfer - request + latency(holder, core); // four cores a die
  return transfer - request + latency(holder, core) / 2 +
         (home / 4 == holder / 4 ? 0_ns : latency(home, holder) / 2);
}

enum class Do { read, write, rmw };
struct Step {
  std::uint32_t core;
  Do what;
  Duration cost;
};

// One access after the other, on whichever core; each must cost what stands beside it.
void expect_costs(std::vector<Step> steps) {
  TestMachine m(small_machine());
  CacheLine line("line");
  m.engine.spawn("all", [&] {
    for (const Step& step : steps) {
      m.engine.wait_until(m.engine.now() + 1_us);
      Core& core = m.core(step.core);
      m.ledgers[step.core].reset(m.engine.now());
      const Duration start = m.now();
      switch (step.what) {
      case Do::read:
        core.read(line);
        break;
      case Do::write:
        core.write(line);
        break;
      case Do::rmw:
        core.rmw(line);
        break;
      }
      core.settle();
      EXPECT_EQ((m.now() - start).count(), step.cost.count())
          << "step " << &step - steps.data() << " on core " << step.core;
      EXPECT_EQ(TestMachine::sum(m.ledgers[step.core]), step.cost);
    }
  });
  m.engine.run();
}

TEST(CacheLine, FromMemoryTakesTheMemorysTime) { expect_costs({{3, Do::read, dram}}); }
TEST(CacheLine, FromMemoryForWritingToo) { expect_costs({{3, Do::write, dram}, {3, Do::write, hit}}); }
TEST(CacheLine, FromMemoryForAnAtomicToo) {
  expect_costs({{3, Do::rmw, dram + atomic}, {3, Do::rmw, hit + atomic}});
}

TEST(CacheLine, TheOwnerHits) {
  expect_costs({{0, Do::write, dram}, {0, Do::read, hit}, {0, Do::write, hit}, {0, Do::rmw, hit + atomic}});
}

TEST(CacheLine, AReadFetchesFromTheOwnerAtItsDistance) {
  expect_costs({{0, Do::write, dram},
                {1, Do::read, transfer + 10_ns},
                {2, Do::read, transfer + 15_ns},
                {4, Do::read, transfer + 55_ns},
                {8, Do::read, transfer + 151_ns},
                {9, Do::read, transfer + 15_ns}, // its die has a copy now
                {1, Do::read, hit},
                {0, Do::read, hit},
                {8, Do::read, hit}});
}

TEST(CacheLine, AWriteTakesItFromTheOwnerAtItsDistance) {
  expect_costs({{0, Do::write, dram},
                {1, Do::write, transfer + 10_ns},
                {3, Do::write, transfer + 15_ns},
                {7, Do::rmw, transfer + 55_ns + atomic},
                {15, Do::rmw, transfer + 178500_ps + atomic}, // by its home: half of 151 + 55 + 151
                {15, Do::rmw, hit + atomic}});
}

TEST(CacheLine, AWriteInvalidatesAsFarAsTheFarthestSharer) {
  expect_costs({{4, Do::write, dram},
                {5, Do::read, transfer + 10_ns},
                {6, Do::read, transfer + 15_ns},
                {4, Do::write, transfer + 15_ns}, // invalidates 5 and 6
                {0, Do::read, transfer + 55_ns},
                {5, Do::read, transfer + 10_ns},
                {5, Do::rmw, transfer + 55_ns + atomic}, // 0 and 4
                {15, Do::read, transfer + 151_ns},
                {5, Do::write, transfer + 151_ns},
                {4, Do::read, transfer + 10_ns}});
}

TEST(CacheLine, SimultaneousRequestsAreServedOneAfterTheOtherInTheOrderOfAsking) {
  TestMachine m(small_machine());
  CacheLine line("line");
  std::vector<Duration> served(16);
  const std::vector<std::uint32_t> order{5, 0, 12, 3, 9, 1, 15, 2};
  for (const std::uint32_t id : order)
    m.on(id, [&, id](Core& core) {
      core.rmw(line);
      served[id] = m.now();
    });
  m.engine.run();
  Duration expected = dram + atomic;
  EXPECT_EQ(served[order[0]], expected);
  for (std::size_t i = 1; i < order.size(); ++i) {
    expected += serial(m, order[0], order[i - 1], order[i]) + atomic;
    EXPECT_EQ(served[order[i]], expected) << "request " << i;
  }
}

TEST(CacheLine, SharersReadTheirOwnCopiesAllAtOnce) {
  TestMachine m(small_machine());
  CacheLine line("line");
  for (std::uint32_t id = 0; id < 16; ++id)
    m.on(id, [&](Core& core) {
      core.read(line); // one after the other
      core.settle();
      m.engine.wait_until(Instant(10_us));
      core.book(Account::user);
      for (int i = 0; i < 3; ++i)
        core.read(line);
      core.settle();
      EXPECT_EQ(m.now(), 10_us + 3 * hit) << "core " << core.id().value();
    });
  m.engine.run();
}

TEST(CacheLine, AHitDoesNotKeepOthersFromTheirOwnCopies) {
  TestMachine m(small_machine());
  CacheLine line("line");
  m.on(0, [&](Core& core) {
    core.write(line);
    m.engine.wait_until(Instant(10_us)); // core 1 has asked at this instant, its read is on its way
    m.engine.wait_until(m.engine.now() + 2_ns);
    core.book(Account::user);
    const Duration start = m.now();
    core.read(line);
    core.settle();
    EXPECT_EQ(m.now(), start + hit) << "the owner keeps its copy while another fetches one";
  });
  m.on(1, [&](Core& core) {
    m.engine.wait_until(Instant(10_us));
    core.book(Account::user);
    core.read(line);
    EXPECT_EQ(m.now(), 10_us + transfer + 10_ns);
  });
  m.engine.run();
}

TEST(CacheLine, AnAtomicHitHoldsTheLineUntilItIsDone) {
  TestMachine m(small_machine({{"machine.line.request", "2 ns"}}));
  CacheLine line("line");
  m.on(0, [&](Core& core) {
    core.write(line);
    m.engine.wait_until(Instant(1_us));
    core.book(Account::user);
    core.rmw(line);
    core.settle();
    EXPECT_EQ(m.now(), 1_us + hit + atomic);
  });
  m.on(1, [&](Core& core) {
    m.engine.wait_until(Instant(1_us + 1_ps));
    core.book(Account::user);
    core.read(line);
    EXPECT_EQ(m.now(), 1_us + hit + atomic + (transfer - 2_ns) + 10_ns); // its own way there is over by then
  });
  m.engine.run();
}

TEST(CacheLine, ALoneMissPaysTheWholeWayAndOneThatWaitsOnlyTheLastPart) {
  TestMachine m(small_machine());
  CacheLine line("line");
  std::vector<Duration> served(3);
  for (const std::uint32_t id : {0u, 1u, 2u})
    m.on(id, [&, id](Core& core) {
      if (id == 0) {
        core.write(line);
        return;
      }
      m.engine.wait_until(Instant(1_us));
      core.book(Account::user);
      core.rmw(line);
      served[id] = m.now();
    });
  m.engine.run();
  EXPECT_EQ(served[1], 1_us + transfer + 10_ns + atomic);
  EXPECT_EQ(served[2], served[1] + (transfer - request) + 15_ns + atomic);
}

TEST(CacheLine, TwoAtomicsWithoutWorkBetweenCostOneTransferAndAThirdAnother) {
  TestMachine m(small_machine());
  CacheLine line("line");
  Duration other;
  m.on(0, [&](Core& core) { core.write(line); });
  m.on(1, [&](Core& core) {
    m.engine.wait_until(Instant(1_us));
    core.book(Account::user);
    core.rmw(line);
    EXPECT_EQ(m.now(), 1_us + transfer + 10_ns + atomic);
    core.rmw(line); // in the same instant: the line is still here
    core.settle();
    EXPECT_EQ(m.now(), 1_us + transfer + 10_ns + atomic + hit + atomic);
    core.rmw(line); // core 2 has been waiting
    EXPECT_GT(m.now(), other);
  });
  m.on(2, [&](Core& core) {
    m.engine.wait_until(Instant(1_us + 1_ps));
    core.book(Account::user);
    core.rmw(line);
    other = m.now();
    EXPECT_EQ(other, 1_us + transfer + 10_ns + atomic + hit + atomic + (transfer - request) + 15_ns + atomic);
  });
  m.engine.run();
}

TEST(CacheLine, ReadsOfACleanCopyInTheDieFollowEachOtherAtTheRateOfItsCache) {
  TestMachine m(small_machine());
  CacheLine line("line");
  std::vector<Duration> served(4);
  for (std::uint32_t id = 0; id < 4; ++id)
    m.on(id, [&, id](Core& core) {
      if (id == 0) core.write(line);
      m.engine.wait_until(Instant(1_us));
      core.book(Account::user);
      if (id > 0) core.read(line);
      served[id] = m.now();
    });
  m.engine.run();
  EXPECT_EQ(served[1], 1_us + transfer + 10_ns);
  EXPECT_EQ(served[2], 1_us + std::max(transfer + 15_ns, transfer + 10_ns + share));
  EXPECT_EQ(served[3], served[2] + share);
}

// Core 4 asks first, then those of die 0, which has the line, again and again.
TEST(CacheLine, NearestFirstLetsTheOldestBeOvertakenSoOftenAndNoMore) {
  for (const std::int64_t overtakes : {0, 1, 3, 5}) {
    const auto result = tests::in_child([&] {
      TestMachine m(
          small_machine({{"machine.line.arbitration", "nearest"}, {"machine.line.overtakes", overtakes}}));
      CacheLine line("line");
      std::vector<std::int64_t> order;
      for (const std::uint32_t id : {0u, 4u, 1u, 2u, 3u})
        m.on(id, [&, id](Core& core) {
          for (int i = 0; i < (id < 4 ? 10 : 1); ++i) {
            core.rmw(line);
            order.push_back(id);
            core.charge(1_ns, Account::work);
          }
          core.settle();
        });
      m.engine.run();
      return order;
    });
    const auto far = std::find(result.begin(), result.end(), 4);
    EXPECT_EQ(far - result.begin(), 1 + overtakes) << "granted after the first and those that overtook it";
  }
}

TEST(CacheLine, AConditionalStoreFailsOnceAnotherCoreHasStored) {
  TestMachine m(small_machine());
  CacheLine line("line");
  int stored = 0, failed = 0;
  for (std::uint32_t id = 0; id < 4; ++id)
    m.on(id, [&](Core& core) {
      core.read(line);
      m.engine.wait_until(Instant(1_us));
      core.book(Account::user);
      ++(core.write_conditional(line) ? stored : failed);
      core.settle();
    });
  m.engine.run();
  EXPECT_EQ(stored, 1);
  EXPECT_EQ(failed, 3);
}

TEST(CacheLine, SpinnersReReadOneAfterTheOtherOnceAWriteIsServed) {
  TestMachine m(small_machine());
  CacheLine line("line");
  bool released = false;
  std::vector<std::pair<std::uint32_t, Duration>> saw;
  m.on(0, [&](Core& core) {
    core.write(line);
    m.engine.wait_until(Instant(10_us));
    core.book(Account::user);
    core.write(line);
    released = true;
    EXPECT_EQ(m.now(), 10_us + transfer + 151_ns);
  });
  for (std::uint32_t id : {3u, 9u, 1u, 5u})
    m.on(id, [&](Core& core) {
      core.spin_until(line, Account::lock_spin, [&] { return released; });
      saw.emplace_back(core.id().value(), m.now());
    });
  m.engine.run();
  const Duration write = 10_us + transfer + 151_ns;
  // 3 from its die; 9 from the other socket, its way there over before; 1 finds a clean copy in its die; 5 is the
  // first of its die.
  EXPECT_THAT(saw,
              ElementsAre(std::pair(3u, write + transfer + 15_ns), std::pair(9u, write + transfer + 151_ns),
                          std::pair(1u, write + transfer + 151_ns + share),
                          std::pair(5u, write + transfer + 151_ns + share + 15_ns + 27500_ps)));
  for (const auto& [id, when] : saw)
    EXPECT_EQ(m.ledgers[id].total(Account::lock_spin), when);
}

TEST(CacheLine, ASpinnerThatWasWokenInVainGoesOnSpinning) {
  TestMachine m(small_machine());
  CacheLine line("line");
  int value = 0;
  m.on(0, [&](Core& core) {
    for (int i = 1; i <= 3; ++i) {
      m.engine.wait_until(Instant(i * 1_us));
      core.book(Account::user);
      core.write(line);
      value = i;
    }
  });
  m.on(1, [&](Core& core) {
    core.spin_until(line, Account::lock_spin, [&] { return value == 3; });
    EXPECT_EQ(m.now(), 3_us + 2 * (transfer + 10_ns));
  });
  m.engine.run();
}

TEST(CacheLine, FalseSharingWritesToOneWordInvalidateItsNeighbour) {
  TestMachine m(small_machine());
  CacheLine together("two words"), apart("one word"), other("the other word");
  Duration shared, separate;
  m.on(0, [&](Core& core) {
    for (int i = 0; i < 100; ++i) {
      core.write(together);
      core.charge(hit, Account::work);
    }
    shared = m.now();
    core.settle();
    m.engine.wait_until(Instant(100_us));
    core.book(Account::user);
    for (int i = 0; i < 100; ++i)
      core.write(apart);
    core.settle();
    separate = m.now() - 100_us;
  });
  m.on(1, [&](Core& core) {
    for (int i = 0; i < 100; ++i) {
      core.write(together);
      core.charge(hit, Account::work);
    }
    m.engine.wait_until(Instant(100_us));
    core.book(Account::user);
    for (int i = 0; i < 100; ++i)
      core.write(other);
    core.settle();
  });
  m.engine.run();
  EXPECT_EQ(separate, dram + 99 * hit);
  // The two take turns; core 0 has the first. Each asks again while the other is served.
  EXPECT_EQ(shared, dram + 198 * (transfer - request + 10_ns));
}

TEST(CacheLine, TheValueExistsAtServiceTimeWhateverDelaysTheRequesterAfterwards) {
  TestMachine m(small_machine());
  CacheLine line("line");
  bool set = false;
  Duration seen, writer_done;
  m.raise_at(1_us + 3_ns, 0, Irq::tick); // while the write is on its way
  m.on(0, [&](Core& core) {
    core.read(line);
    m.engine.wait_until(Instant(1_us));
    core.book(Account::user);
    core.write(line);
    set = true;
    EXPECT_EQ(m.now(), 1_us + transfer + 10_ns);
    core.charge(1_ns, Account::work);
    core.settle();
    writer_done = m.now();
  });
  m.on(1, [&](Core& core) {
    core.spin_until(line, Account::lock_spin, [&] { return set; });
    seen = m.now();
  });
  m.engine.run();
  EXPECT_EQ(seen, 1_us + 2 * (transfer + 10_ns));
  EXPECT_EQ(writer_done, 1_us + transfer + 10_ns + 370_ns + 1_ns);
}

TEST(CacheLine, SixteenCoresThatIncrementOneCounterLoseNoneAndCollapseToTransfers) {
  TestMachine m(small_machine());
  CacheLine line("counter");
  int value = 0;
  for (std::uint32_t id = 0; id < 16; ++id)
    m.on(id, [&](Core& core) {
      for (int i = 0; i < 50; ++i) {
        core.rmw(line);
        ++value;
        core.charge(hit, Account::work);
      }
    });
  m.engine.run();
  EXPECT_EQ(value, 800);
  // In rounds 0, 1, ... 15, 0, ...: the ways round the ring, 50 times less the last way back.
  Duration round{};
  for (std::uint32_t id = 0; id < 16; ++id)
    round += serial(m, 0, id, (id + 1) % 16) + atomic;
  EXPECT_EQ(m.now(), dram + atomic + 50 * round - (serial(m, 0, 15, 0) + atomic));
}

} // namespace
} // namespace mmsim::cache_line_test
