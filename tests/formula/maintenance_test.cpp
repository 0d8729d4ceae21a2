// TLB maintenance by instruction, and memory bandwidth: closed forms.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/test_machine.hpp"

namespace mmsim::maintenance_test {
namespace {

using namespace literals;
using testing::ElementsAre;
using tests::small_machine;
using tests::TestMachine;
using Scope = Maintenance::Scope;

TestMachine::Settings costs() {
  return small_machine({{"machine.tlbi.page", "6 ns"},
                        {"machine.tlbi.all", "20 ns"},
                        {"machine.tlbi.dsb", "30 ns"},
                        {"machine.tlbi.broadcast_issue", "10 ns"},
                        {"machine.tlbi.broadcast_channel", "25 ns"},
                        {"machine.tlbi.broadcast_complete", "120 ns"},
                        {"machine.tlbi.broadcast_sync", "90 ns"},
                        {"machine.tlbi.range", "11 ns"},
                        {"machine.tlbi.broadcast_range_channel", "47 ns"},
                        {"machine.tlbi.broadcast_range_stall", "33 ns"},
                        {"machine.tlbi.broadcast_stall", "15 ns"}});
}
const std::uint64_t word = 42;
const Scope page_5{Scope::Kind::page, Asid(1), PageNumber(5)};

bool holds(Core& core, std::uint64_t page = 5) {
  return core.tlb().look_up(PageNumber(page)).level != Tlb::Level::miss;
}
void fill(TestMachine& m) {
  for (std::uint32_t i = 0; i < m.machine.cpus(); ++i) {
    m.core(i).tlb().use(Asid(1));
    m.core(i).tlb().insert(PageNumber(5), {word, &word});
  }
}

TEST(Maintenance, LocalInvalidationCostsItsInstructionAndItsBarrier) {
  TestMachine m(costs());
  fill(m);
  m.on(0, [&](Core& core) {
    m.machine.maintenance().local(core, page_5);
    m.machine.maintenance().local_barrier(core);
    core.settle();
    EXPECT_EQ(m.now(), 36_ns);
    m.machine.maintenance().local(core, {Scope::Kind::id, Asid(1), {}});
    m.machine.maintenance().local(core, {Scope::Kind::all, {}, {}});
    m.machine.maintenance().local_barrier(core);
    core.settle();
    EXPECT_EQ(m.now(), 36_ns + 70_ns);
  });
  m.engine.run();
  EXPECT_EQ(m.ledgers[0].total(Account::tlb_local), 106_ns);
  EXPECT_FALSE(holds(m.core(0)));
  EXPECT_TRUE(holds(m.core(1)));
}

TEST(Maintenance, ABroadcastTakesEffectEverywhereWhenItHasTravelledAndItsBarrierWaitsForTheFarthest) {
  TestMachine m(costs());
  fill(m);
  for (const auto& [when, held] : {std::pair(34_ns + 999_ps, true), std::pair(35_ns + 1_ps, false)})
    m.engine.at(Instant(when), [&, held = held] {
      for (std::uint32_t i = 0; i < m.machine.cpus(); ++i)
        EXPECT_EQ(holds(m.core(i)), held) << "core " << i;
    });
  m.on(5, [&](Core& core) {
    m.machine.maintenance().broadcast(core, page_5);
    EXPECT_EQ(m.now(), 35_ns);
    m.machine.maintenance().broadcast_barrier(core);
    EXPECT_EQ(m.now(), 35_ns + 120_ns + 2 * 151_ns);
  });
  m.engine.run();
  EXPECT_EQ(m.ledgers[5].total(Account::tlb_remote), m.now());
}

TEST(Maintenance, TheFarthestCoreIsAsFarAsTheMachineInUse) {
  Engine engine;
  Configuration configuration;
  for (const auto& [path, value] : costs())
    configuration.set(path, value);
  Counters counters;
  Machine machine(engine, configuration, counters, 4); // one die of the sixteen cores
  Ledger ledger;
  machine.core(CoreId(0)).set_ledger(&ledger);
  engine.spawn("f", [&] { machine.maintenance().broadcast_barrier(machine.core(CoreId(0))); });
  engine.run();
  EXPECT_EQ(engine.now(), Instant(120_ns + 2 * 15_ns));
}

TEST(Maintenance, BroadcastsOfAllCoresShareOneChannel) {
  TestMachine m(costs());
  std::vector<Duration> out;
  for (std::uint32_t i = 0; i < 16; ++i)
    m.on(i, [&](Core& core) {
      m.machine.maintenance().broadcast(core, page_5);
      out.push_back(m.now());
    });
  m.engine.run();
  ASSERT_EQ(out.size(), 16u);
  for (std::size_t i = 0; i < 16; ++i) // the channel is never idle and never double
    EXPECT_EQ(out[i], 10_ns + (static_cast<std::int64_t>(i) + 1) * 25_ns);
}

TEST(Maintenance, BarriersOfAllCoresTakeTurnsOnTheChannelAndEachWaitsForTheFarthest) {
  TestMachine m(costs());
  std::vector<Duration> done;
  for (std::uint32_t i = 0; i < 16; ++i)
    m.on(i, [&](Core& core) {
      m.machine.maintenance().broadcast_barrier(core);
      done.push_back(m.now());
    });
  m.engine.run();
  ASSERT_EQ(done.size(), 16u);
  for (std::size_t i = 0; i < 16; ++i) // one DVM Sync at a time
    EXPECT_EQ(done[i], static_cast<std::int64_t>(i) * 90_ns + 120_ns + 2 * 151_ns);
}

TEST(Maintenance, ABroadcastWaitsForTheBarrierOfAnotherCoreThatIsOnTheChannel) {
  TestMachine m(costs());
  m.on(3, [&](Core& core) { m.machine.maintenance().broadcast_barrier(core); });
  m.on(4, [&](Core& core) {
    m.machine.maintenance().broadcast(core, page_5); // issued within 10 ns, when the barrier has had its turn
    EXPECT_EQ(m.now(), 90_ns + 25_ns);
  });
  m.engine.run();
}

TEST(Maintenance, ABarrierLongerOnTheChannelThanItsCompletionTakesThatLong) {
  TestMachine::Settings settings = costs();
  settings.emplace_back("machine.tlbi.broadcast_sync", "2 us");
  TestMachine m(settings);
  m.on(0, [&](Core& core) {
    m.machine.maintenance().broadcast_barrier(core);
    EXPECT_EQ(m.now(), 2_us);
  });
  m.engine.run();
}

TEST(Maintenance, ARangeIsOneMessageHoweverManyPagesItHas) {
  for (const std::uint64_t pages : {2u, 512u, 100'000u}) {
    const pid_t child = ::fork();
    if (child == 0) {
      TestMachine m(costs());
      fill(m);
      const Scope range{Scope::Kind::range, Asid(1), PageNumber(4), true, pages};
      m.on(1, [&](Core& core) {
        core.charge(1_us, Account::user);
        core.settle();
        EXPECT_EQ(m.now(), 1_us + 33_ns);
      });
      m.on(0, [&](Core& core) {
        m.machine.maintenance().broadcast(core, range);
        EXPECT_EQ(m.now(), 10_ns + 47_ns);
        m.machine.maintenance().local(core, range);
        core.settle();
        EXPECT_EQ(m.now(), 57_ns + 11_ns);
      });
      m.engine.run();
      for (std::uint32_t i = 0; i < m.machine.cpus(); ++i)
        EXPECT_FALSE(holds(m.core(i))) << "core " << i;
      _exit(testing::Test::HasFailure());
    }
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_EQ(status, 0) << pages << " pages";
  }
}

TEST(Maintenance, ABroadcastStallsBusyCoresAndNotIdleOnesNorTheIssuer) {
  TestMachine m(costs());
  m.idle(2);
  m.on(1, [&](Core& core) {
    core.charge(1_us, Account::user);
    core.settle();
    EXPECT_EQ(m.now(), 1_us + 3 * 15_ns);
  });
  m.on(0, [&](Core& core) {
    for (int i = 0; i < 3; ++i)
      m.machine.maintenance().broadcast(core, page_5);
    EXPECT_EQ(m.now(), 3 * 35_ns);
  });
  m.engine.run();
  EXPECT_EQ(m.ledgers[1].total(Account::tlb_local), 45_ns);
  EXPECT_EQ(TestMachine::sum(m.ledgers[0]), 105_ns);
  EXPECT_EQ(m.ledgers[0].total(Account::tlb_local), 0_ns);
}

TEST(Maintenance, AnInterruptAtTheIssuerDoesNotDelayTheMessage) {
  TestMachine m(costs());
  fill(m);
  m.raise_at(20_ns, 0, Irq::tick); // the message is on its way: 10 to 35 ns
  m.engine.at(Instant(35_ns + 1_ps), [&] { EXPECT_FALSE(holds(m.core(7))); });
  m.on(0, [&](Core& core) {
    m.machine.maintenance().broadcast(core, page_5);
    core.settle();
    EXPECT_EQ(m.now(), 35_ns + 370_ns);
  });
  m.engine.run();
  EXPECT_EQ(m.ledgers[0].total(Account::interrupt), 370_ns);
  EXPECT_EQ(TestMachine::sum(m.ledgers[0]), m.now());
}

TEST(Maintenance, UserCodeElsewhereIsAdvancedBeforeItsTranslationsGoAndNudgedAfterwards) {
  struct Stream final : AccessStream {
    TestMachine* m;
    std::vector<std::pair<Duration, bool>> advanced; // when, and whether the translation was still there
    void resume(Instant) override {}
    void advance_to(Instant now) override {
      advanced.emplace_back(now.time_since_epoch(), holds(m->core(1)));
    }
  };
  TestMachine m(costs());
  fill(m);
  Stream stream;
  stream.m = &m;
  m.on(1, [&](Core& core) {
    EXPECT_EQ(core.user_sleep_until(Instant(1_us), &stream), 35_ns);
    EXPECT_EQ(m.now(), 35_ns + 15_ns);
  });
  m.on(0, [&](Core& core) { m.machine.maintenance().broadcast(core, page_5); });
  m.engine.run();
  EXPECT_THAT(stream.advanced, ElementsAre(std::pair(35_ns, true), std::pair(35_ns, false)));
}

// --- memory bandwidth

TEST(Dram, ACoreAloneTakesItsOwnTime) {
  TestMachine m(small_machine({{"machine.dram.bandwidth", "4096 MB/s"}})); // a page a microsecond
  m.on(0, [&](Core& core) {
    m.machine.dram().transfer(core, NodeId(0), 1024, 260_ns, Account::page_zero);
    core.settle();
    EXPECT_EQ(m.now(), 260_ns); // 250 ns at the node
    m.machine.dram().transfer(core, NodeId(0), 4096, 260_ns, Account::page_zero);
    core.settle();
    EXPECT_EQ(m.now(), 260_ns + 1_us); // slower than the core
  });
  m.engine.run();
  EXPECT_EQ(m.ledgers[0].total(Account::page_zero), 1260_ns);
}

TEST(Dram, ManyCoresReachTheBandwidthOfTheirNodeAndNoMore) {
  for (const std::uint32_t cores : {2u, 3u, 8u}) {
    const pid_t child = ::fork();
    if (child == 0) {
      // 40 pages a microsecond for the node, and 1 page in 100 ns for a core: four cores saturate it.
      TestMachine m(small_machine({{"machine.dram.bandwidth", "163840 MB/s"}}));
      constexpr int pages = 200;
      for (std::uint32_t i = 0; i < cores; ++i)
        m.on(i, [&](Core& core) {
          for (int k = 0; k < pages; ++k)
            m.machine.dram().transfer(core, NodeId(0), 4096, 100_ns, Account::page_zero);
          core.settle();
        });
      m.on(8, [&](Core& core) { // the other node is free
        m.machine.dram().transfer(core, NodeId(1), 4096, 100_ns, Account::page_zero);
        core.settle();
        EXPECT_EQ(m.now(), 100_ns);
      });
      m.engine.run();
      EXPECT_EQ(m.now(), cores <= 4 ? pages * 100_ns : pages * cores * 25_ns);
      _exit(testing::Test::HasFailure());
    }
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_EQ(status, 0) << cores << " cores";
  }
}

} // namespace
} // namespace mmsim::maintenance_test
