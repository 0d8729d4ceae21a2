// Cache lines: what an access costs in each state and at each distance, who waits for whom, and when values
// exist.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/test_machine.hpp"

namespace mmsim {
namespace {

using namespace literals;
using testing::ElementsAre;
using tests::small_machine;
using tests::TestMachine;

constexpr Duration hit = 1_ns, atomic = 5_ns, transfer = 25_ns, dram = 95_ns;

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
                {9, Do::read, transfer + 151_ns}, // from the owner, not from the sharer beside it
                {1, Do::read, hit},
                {0, Do::read, hit},
                {8, Do::read, hit}});
}

TEST(CacheLine, AWriteTakesItFromTheOwnerAtItsDistance) {
  expect_costs({{0, Do::write, dram},
                {1, Do::write, transfer + 10_ns},
                {3, Do::write, transfer + 15_ns},
                {7, Do::rmw, transfer + 55_ns + atomic},
                {15, Do::rmw, transfer + 151_ns + atomic},
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
    expected += transfer + atomic + m.machine.topology().latency(CoreId(order[i - 1]), CoreId(order[i]));
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
  TestMachine m(small_machine());
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
    EXPECT_EQ(m.now(), 1_us + hit + atomic + transfer + 10_ns);
  });
  m.engine.run();
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
  EXPECT_THAT(saw,
              ElementsAre(std::pair(3u, write + 25_ns + 15_ns), std::pair(9u, write + 50_ns + 166_ns),
                          std::pair(1u, write + 75_ns + 176_ns), std::pair(5u, write + 100_ns + 231_ns)));
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
    for (int i = 0; i < 100; ++i)
      core.write(together);
    shared = m.now();
    m.engine.wait_until(Instant(100_us));
    core.book(Account::user);
    for (int i = 0; i < 100; ++i)
      core.write(apart);
    core.settle();
    separate = m.now() - 100_us;
  });
  m.on(1, [&](Core& core) {
    for (int i = 0; i < 100; ++i)
      core.write(together);
    m.engine.wait_until(Instant(100_us));
    core.book(Account::user);
    for (int i = 0; i < 100; ++i)
      core.write(other);
    core.settle();
  });
  m.engine.run();
  EXPECT_EQ(separate, dram + 99 * hit);
  EXPECT_EQ(shared, dram + 198 * (transfer + 10_ns)); // the two take turns; core 0 has the first
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
      }
    });
  m.engine.run();
  EXPECT_EQ(value, 800);
  // In rounds 0, 1, ... 15, 0, ...: the ways round the ring, 50 times less the last way back.
  Duration round{};
  for (std::uint32_t id = 0; id < 16; ++id)
    round += transfer + atomic + m.machine.topology().latency(CoreId(id), CoreId((id + 1) % 16));
  EXPECT_EQ(m.now(), dram + atomic + 50 * round - (transfer + atomic + 151_ns));
}

} // namespace
} // namespace mmsim
