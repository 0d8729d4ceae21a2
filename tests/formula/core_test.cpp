// Cores and interrupts: closed forms.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/test_machine.hpp"

namespace mmsim::core_test {
namespace {

using namespace literals;
using testing::ElementsAre;
using tests::small_machine;
using tests::TestMachine;

TEST(Charge, OnlyAddsUpUntilSettled) {
  TestMachine m(small_machine());
  m.on(0, [&](Core& core) {
    core.charge(30_ns, Account::work);
    core.charge(20_ns, Account::entry);
    core.charge(7_ns, Account::work);
    EXPECT_EQ(m.now(), 0_ns);
    EXPECT_FALSE(core.settled());
    core.settle();
    EXPECT_TRUE(core.settled());
    EXPECT_EQ(m.now(), 57_ns);
  });
  m.engine.run();
  EXPECT_EQ(m.ledgers[0].total(Account::work), 37_ns);
  EXPECT_EQ(m.ledgers[0].total(Account::entry), 20_ns);
}

TEST(Interrupt, PushesTheInterruptedWorkBackByEntryHandlerAndExit) {
  TestMachine m(small_machine());
  Duration began;
  m.handler(Irq::tick).body = [&](Core& core) {
    EXPECT_TRUE(core.in_interrupt());
    core.charge(50_ns, Account::work);
    core.settle();
    began = m.now();
  };
  m.raise_at(400_ns, 0, Irq::tick);
  m.on(0, [&](Core& core) {
    core.charge(1_us, Account::work);
    core.settle();
    EXPECT_EQ(m.now(), 1_us + 250_ns + 50_ns + 120_ns);
    EXPECT_FALSE(core.in_interrupt());
  });
  m.engine.run();
  EXPECT_EQ(began, 400_ns + 250_ns + 50_ns);
  EXPECT_EQ(m.ledgers[0].total(Account::work), 1_us);
  EXPECT_EQ(m.ledgers[0].total(Account::interrupt), 420_ns);
  EXPECT_EQ(TestMachine::sum(m.ledgers[0]), m.now());
}

// Each test below: when handlers begin (their entry included), and when the program ends.
struct Timeline {
  std::vector<Duration> handlers;
  Duration end;
};
Timeline timeline(TestMachine& m, std::function<void(Core&)> program) {
  Timeline result;
  for (const Irq irq : {Irq::call_function, Irq::reschedule, Irq::tick})
    m.handler(irq).body = [&](Core& core) {
      core.settle();
      result.handlers.push_back(m.now() - 250_ns);
    };
  m.on(0, [&](Core& core) {
    program(core);
    core.settle();
    result.end = m.now();
  });
  m.engine.run();
  EXPECT_EQ(TestMachine::sum(m.ledgers[0]), m.now());
  return result;
}

TEST(Interrupt, WaitsWhileMasked) {
  TestMachine m(small_machine());
  m.raise_at(200_ns, 0, Irq::tick);
  const auto [handlers, end] = timeline(m, [](Core& core) {
    core.charge(100_ns, Account::work);
    core.irq_disable();
    core.charge(500_ns, Account::work);
    core.irq_enable();
    core.charge(100_ns, Account::work);
  });
  EXPECT_THAT(handlers, ElementsAre(600_ns));
  EXPECT_EQ(end, 700_ns + 370_ns);
}

TEST(Interrupt, WaitsWhileMaskedAlsoWhenEachStepIsSettled) {
  TestMachine m(small_machine());
  m.raise_at(200_ns, 0, Irq::tick);
  const auto [handlers, end] = timeline(m, [](Core& core) {
    core.irq_disable();
    core.irq_disable();
    core.charge(500_ns, Account::work);
    core.settle();
    core.irq_enable();
    core.charge(100_ns, Account::work);
    core.settle();
    core.irq_enable();
  });
  EXPECT_THAT(handlers, ElementsAre(600_ns));
  EXPECT_EQ(end, 600_ns + 370_ns);
}

TEST(Interrupt, IsTakenAtAnUnmaskedInstantOfNoLength) {
  TestMachine m(small_machine());
  m.raise_at(100_ns, 0, Irq::tick);
  const auto [handlers, end] = timeline(m, [](Core& core) {
    core.irq_disable();
    core.charge(300_ns, Account::work);
    core.irq_enable();
    core.irq_disable();
    core.charge(300_ns, Account::work);
    core.irq_enable();
  });
  EXPECT_THAT(handlers, ElementsAre(300_ns));
  EXPECT_EQ(end, 600_ns + 370_ns);
}

TEST(Interrupt, IsTakenAtAnUnmaskedInstantOfNoLengthBetweenTwoSettledStretches) {
  TestMachine m(small_machine());
  m.raise_at(100_ns, 0, Irq::tick);
  const auto [handlers, end] = timeline(m, [](Core& core) {
    core.irq_disable();
    core.charge(300_ns, Account::work);
    core.settle();
    core.irq_enable();
    core.irq_disable();
    core.charge(300_ns, Account::work);
    core.settle();
    core.irq_enable();
  });
  EXPECT_THAT(handlers, ElementsAre(300_ns));
  EXPECT_EQ(end, 600_ns + 370_ns);
}

TEST(Interrupt, ThatCameDuringALineAccessIsTakenBeforeIrqsAreDisabled) {
  TestMachine m(small_machine());
  CacheLine line("line");
  m.raise_at(50_ns, 0, Irq::tick);
  const auto [handlers, end] = timeline(m, [&](Core& core) {
    core.write(line); // 95 ns, irqs on
    core.irq_disable();
    core.charge(300_ns, Account::work);
    core.settle();
    core.irq_enable();
  });
  EXPECT_THAT(handlers, ElementsAre(95_ns));
  EXPECT_EQ(end, 395_ns + 370_ns);
}

TEST(Interrupt, ArrivingExactlyAtTheEndOfAnUnmaskedStretchIsTakenBeforeWhatFollows) {
  TestMachine m(small_machine());
  m.raise_at(500_ns, 0, Irq::tick);
  const auto [handlers, end] = timeline(m, [](Core& core) {
    core.charge(500_ns, Account::work);
    core.irq_disable();
    core.charge(100_ns, Account::work);
    core.irq_enable();
  });
  EXPECT_THAT(handlers, ElementsAre(500_ns));
  EXPECT_EQ(end, 600_ns + 370_ns);
}

TEST(Interrupt, OnePicosecondLaterItWaits) {
  TestMachine m(small_machine());
  m.raise_at(500_ns + 1_ps, 0, Irq::tick);
  const auto [handlers, end] = timeline(m, [](Core& core) {
    core.charge(500_ns, Account::work);
    core.irq_disable();
    core.charge(100_ns, Account::work);
    core.irq_enable();
  });
  EXPECT_THAT(handlers, ElementsAre(600_ns));
}

TEST(Interrupt, ArrivingDuringAHandlerFollowsItBeforeTheInterruptedWork) {
  TestMachine m(small_machine());
  m.raise_at(100_ns, 0, Irq::tick);
  m.raise_at(200_ns, 0, Irq::reschedule);
  m.raise_at(150_ns, 0, Irq::tick); // its handler has begun: it comes again
  const auto [handlers, end] = timeline(m, [](Core& core) { core.charge(500_ns, Account::work); });
  EXPECT_THAT(handlers, ElementsAre(100_ns, 470_ns, 840_ns));
  EXPECT_EQ(end, 500_ns + 3 * 370_ns);
}

TEST(Interrupt, ManyFlipsInOneBulkChargeKeepTheirPlaces) {
  TestMachine m(small_machine());
  m.raise_at(15_ns + 1_ps, 0, Irq::tick);
  const auto [handlers, end] = timeline(m, [](Core& core) {
    for (int i = 0; i < 50; ++i) { // 10 ns masked, 10 ns unmasked: 100 segments
      core.irq_disable();
      core.charge(10_ns, i % 2 ? Account::work : Account::entry);
      core.irq_enable();
      core.charge(10_ns, Account::work);
    }
  });
  EXPECT_THAT(handlers, ElementsAre(15_ns + 1_ps));
  EXPECT_EQ(end, 1_us + 370_ns);
}

TEST(Interrupt, IdlePaysItsWakeUpBeforeTheHandlerRuns) {
  TestMachine m(small_machine());
  m.raise_at(3_us, 0, Irq::reschedule);
  const auto [handlers, end] = timeline(m, [](Core& core) {
    core.charge(100_ns, Account::work);
    core.wait_for_interrupt();
  });
  EXPECT_THAT(handlers, ElementsAre(3_us + 800_ns));
  EXPECT_EQ(end, 3_us + 800_ns + 370_ns);
  EXPECT_EQ(m.ledgers[0].total(Account::schedule), 3_us + 800_ns - 100_ns);
  EXPECT_EQ(m.ledgers[0].total(Account::interrupt), 370_ns);
}

TEST(Interrupt, PendingWhenTheCoreGoesIdleKeepsItAwake) {
  TestMachine m(small_machine());
  m.raise_at(50_ns, 0, Irq::reschedule);
  const auto [handlers, end] = timeline(m, [](Core& core) {
    core.irq_disable();
    core.charge(100_ns, Account::work);
    core.settle();
    core.wait_for_interrupt(); // as cpu_do_idle does: masked, and woken all the same
    core.irq_enable();
  });
  EXPECT_THAT(handlers, ElementsAre(100_ns));
  EXPECT_EQ(end, 100_ns + 370_ns);
}

TEST(Interrupt, ASpinningCoreTakesItWithIrqsOnAndNotWithIrqsOff) {
  for (const bool masked : {false, true}) {
    const pid_t child = ::fork();
    if (child == 0) {
      TestMachine m(small_machine());
      CacheLine line("line");
      bool set = false;
      m.raise_at(1_us, 0, Irq::tick);
      m.on(1, [&](Core& core) {
        core.charge(3_us, Account::work);
        core.write(line); // from the other's cache: 25 + 10 ns
        set = true;
      });
      const auto [handlers, end] = timeline(m, [&](Core& core) {
        if (masked) core.irq_disable();
        core.spin_until(line, Account::lock_spin, [&] { return set; }); // 25 + 10 ns
        if (masked) core.irq_enable();
      });
      EXPECT_THAT(handlers, ElementsAre(masked ? 3070_ns : 1_us));
      EXPECT_EQ(end, masked ? 3070_ns + 370_ns : 3070_ns);
      EXPECT_EQ(m.ledgers[0].total(Account::interrupt), 370_ns);
      EXPECT_EQ(m.ledgers[0].total(Account::lock_spin), masked ? 3070_ns : 3070_ns - 370_ns);
      _exit(testing::Test::HasFailure());
    }
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_EQ(status, 0) << "masked: " << masked;
  }
}

// --- IPIs

TEST(Ipi, ArrivesAfterSendDistanceAndDelivery) {
  TestMachine m(small_machine());
  std::vector<Duration> arrived(m.machine.cpus());
  m.handler(Irq::call_function).body = [&](Core& core) {
    core.settle();
    arrived[core.id().value()] = m.now() - 250_ns;
  };
  for (std::uint32_t i = 1; i < m.machine.cpus(); ++i)
    m.on(i, [](Core& core) {
      core.charge(100_us, Account::user);
      core.settle();
    });
  m.on(0, [&](Core& core) {
    core.charge(10_ns, Account::work);
    CoreSet targets = CoreSet::first(m.machine.cpus());
    targets.erase(CoreId(0));
    m.machine.send_ipi(core, targets, Irq::call_function, Account::tlb_remote);
    core.settle();
    EXPECT_EQ(m.now(), 10_ns + 15 * 80_ns);
  });
  m.engine.run();
  for (std::uint32_t i = 1; i < 16; ++i) {
    const Duration distance = i < 2 ? 10_ns : i < 4 ? 15_ns : i < 8 ? 55_ns : 151_ns;
    EXPECT_EQ(arrived[i], 10_ns + i * 80_ns + distance + 300_ns) << "core " << i;
  }
  EXPECT_EQ(m.ledgers[0].total(Account::tlb_remote), 15 * 80_ns);
  EXPECT_EQ(m.counters[Counter::ipi_sent], 15u);
  EXPECT_EQ(m.counters[Counter::ipi_received], 15u);
  EXPECT_EQ(m.counters[Counter::ipi_coalesced], 0u);
}

TEST(Ipi, OneRegisterWriteReachesAGroupOfTargets) {
  TestMachine m(small_machine({{"machine.ipi.targets_per_send", std::int64_t{4}}}));
  std::vector<Duration> arrived(m.machine.cpus());
  m.handler(Irq::call_function).body = [&](Core& core) {
    core.settle();
    arrived[core.id().value()] = m.now() - 250_ns;
  };
  CoreSet targets;
  for (const std::uint32_t i : {1u, 3u, 6u, 12u, 15u}) {
    targets.insert(CoreId(i));
    m.on(i, [](Core& core) {
      core.charge(100_us, Account::user);
      core.settle();
    });
  }
  m.on(0, [&](Core& core) {
    m.machine.send_ipi(core, targets, Irq::call_function, Account::tlb_remote);
    EXPECT_EQ(m.now(), 3 * 80_ns);
  });
  m.engine.run();
  EXPECT_EQ(arrived[1], 80_ns + 10_ns + 300_ns);
  EXPECT_EQ(arrived[3], 80_ns + 15_ns + 300_ns);
  EXPECT_EQ(arrived[6], 160_ns + 55_ns + 300_ns);
  EXPECT_EQ(arrived[12], 240_ns + 151_ns + 300_ns);
  EXPECT_EQ(arrived[15], 240_ns + 151_ns + 300_ns);
  EXPECT_EQ(m.counters[Counter::ipi_sent], 5u);
}

TEST(Ipi, OneThatIsPendingAbsorbsTheOthersAndNoneIsLostCount) {
  TestMachine m(small_machine());
  int handled = 0;
  m.handler(Irq::call_function).body = [&](Core&) { ++handled; };
  CoreSet target;
  target.insert(CoreId(0));
  for (std::uint32_t i = 1; i < 8; ++i)
    m.on(i, [&](Core& core) { m.machine.send_ipi(core, target, Irq::call_function, Account::tlb_remote); });
  m.on(0, [&](Core& core) {
    core.irq_disable();
    core.charge(10_us, Account::work);
    core.irq_enable();
    core.settle();
  });
  m.engine.run();
  EXPECT_EQ(handled, 1);
  EXPECT_EQ(m.counters[Counter::ipi_sent], 7u);
  EXPECT_EQ(m.counters[Counter::ipi_received], 1u);
  EXPECT_EQ(m.counters[Counter::ipi_coalesced], 6u);
}

TEST(Ipi, TicksAreNotCountedAsOne) {
  TestMachine m(small_machine());
  m.raise_at(10_ns, 0, Irq::tick);
  m.raise_at(11_ns, 0, Irq::tick);
  m.raise_at(12_ns, 0, Irq::tick);
  m.on(0, [&](Core& core) {
    core.charge(1_us, Account::work);
    core.settle();
  });
  m.engine.run();
  EXPECT_EQ(m.counters[Counter::ipi_received], 0u);
  EXPECT_EQ(m.counters[Counter::ipi_coalesced], 0u);
}

// --- stalls and user code

TEST(Stall, TakesItsTimeFromABusyCoreAndNotFromAnIdleOne) {
  TestMachine m(small_machine());
  m.engine.at(Instant(1_us), [&] {
    m.core(0).stall(15_ns);
    m.core(1).stall(15_ns);
  });
  m.raise_at(5_us, 1, Irq::reschedule);
  m.on(0, [&](Core& core) {
    core.charge(3_us, Account::user);
    core.settle();
    EXPECT_EQ(m.now(), 3015_ns);
  });
  m.on(1, [&](Core& core) {
    core.wait_for_interrupt();
    EXPECT_EQ(m.now(), 5_us + 800_ns + 370_ns);
  });
  m.engine.run();
  EXPECT_EQ(m.ledgers[0].total(Account::tlb_local), 15_ns);
  EXPECT_EQ(m.ledgers[0].total(Account::user), 3_us);
  EXPECT_EQ(m.ledgers[1].total(Account::tlb_local), 0_ns);
}

TEST(UserTime, EndsAtItsInstantAtAnInterruptOrAtANudge) {
  struct Stream final : AccessStream {
    std::vector<Duration> advanced;
    void resume(Instant) override {}
    void advance_to(Instant now) override { advanced.push_back(now.time_since_epoch()); }
  };
  TestMachine m(small_machine());
  Stream stream;
  std::size_t advanced_before_handler = 0;
  m.handler(Irq::tick).body = [&](Core&) { advanced_before_handler = stream.advanced.size(); };
  m.raise_at(300_ns, 0, Irq::tick);
  m.engine.at(Instant(900_ns), [&] {
    m.core(0).catch_up();
    m.core(0).nudge();
  });
  std::vector<Duration> passed, after;
  m.on(0, [&](Core& core) {
    for (const Duration until : {200_ns, 1000_ns, 1000_ns, 1000_ns}) {
      passed.push_back(core.user_sleep_until(Instant(until), &stream));
      after.push_back(m.now());
    }
    m.core(0).nudge(); // outside user mode: nothing
  });
  m.engine.run();
  EXPECT_THAT(passed, ElementsAre(200_ns, 100_ns, 230_ns, 100_ns));
  EXPECT_THAT(after, ElementsAre(200_ns, 670_ns, 900_ns, 1000_ns));
  EXPECT_THAT(stream.advanced, ElementsAre(200_ns, 300_ns, 900_ns, 900_ns, 1000_ns));
  EXPECT_EQ(advanced_before_handler, 2u) << "accesses before an interrupt happen before its handler";
  EXPECT_EQ(m.ledgers[0].total(Account::user), 630_ns);
  EXPECT_EQ(TestMachine::sum(m.ledgers[0]), m.now());
}

} // namespace
} // namespace mmsim::core_test
