// For whom a task waits: what a ledger keeps of it, and closed forms of who is waited for.
#include "models/locks/mutex.hpp"
#include "models/reclaim/block_device.hpp"
#include "models/scheduler/cross_call.hpp"
#include "scenarios/scenario.hpp"
#include "tests/support/tasks_world.hpp"
#include "tests/support/test_machine.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <optional>

namespace mmsim::waits_test {
namespace {

using namespace literals;
using testing::ElementsAre;
using testing::Pair;

Instant at(Duration since_start) { return Instant(since_start); }

/// By "account kind whom", e.g. "lock_spin lock rq_lock".
using Waits = std::map<std::string, Duration>;

Waits waits_since(WaitLog::Mark mark, Ledger& ledger, Machine& machine, const Counters& counters) {
  Waits waits;
  ledger.waits().since(mark, [&](const WaitLog::Entry& entry) {
    waits[std::string(name(entry.account)) + ' ' + std::string(name(entry.whom.kind())) + ' ' +
          machine.wait_names().name_of(entry.whom, counters)] += entry.length;
  });
  return waits;
}

Duration sum(const Waits& waits, const std::string& beginning) {
  Duration total{};
  for (const auto& [whom, length] : waits)
    if (whom.starts_with(beginning)) total += length;
  return total;
}

// --- the log

const WaitId a(WaitKind::lock, 1), b(WaitKind::lock, 2), irq(WaitKind::interrupt, 1);

std::vector<std::pair<WaitId, Duration>> entries(const WaitLog& log, WaitLog::Mark mark) {
  std::vector<std::pair<WaitId, Duration>> all;
  log.since(mark, [&](const WaitLog::Entry& entry) { all.emplace_back(entry.whom, entry.length); });
  return all;
}

TEST(WaitFor, ScopesNestAndTheInnermostCounts) {
  Ledger ledger(at(0_ns));
  const WaitLog::Mark mark = ledger.open();
  {
    const WaitFor outer(ledger, a);
    ledger.book(Account::lock_spin, at(10_ns));
    {
      const WaitFor inner(ledger, b);
      ledger.book(Account::lock_spin, at(15_ns));
      ledger.book(Account::work, at(16_ns)); // is no waiting
    }
    ledger.book(Account::lock_spin, at(20_ns));
  }
  ledger.book(Account::lock_spin, at(21_ns));
  EXPECT_THAT(entries(ledger.waits(), mark),
              ElementsAre(Pair(a, 10_ns), Pair(b, 5_ns), Pair(a, 4_ns), Pair(WaitId(), 1_ns)));
  EXPECT_EQ(ledger.total(Account::lock_spin), 20_ns);
}

TEST(WaitLog, KeepsSumsHoweverManyWaitsThereAre) {
  WaitLog log;
  const WaitLog::Mark outer = log.open();
  for (int i = 0; i < 5000; ++i)
    log.add(i % 3 == 0 ? Account::coherence : Account::lock_spin, i % 2 == 0 ? a : b, 1_ns);
  const WaitLog::Mark inner = log.open();
  for (int i = 0; i < 5000; ++i)
    log.add(Account::lock_spin, i % 2 == 0 ? a : irq, 1_ns);
  const auto total = [&](WaitLog::Mark mark) {
    Duration all{};
    for (const auto& [whom, length] : entries(log, mark))
      all += length;
    return all;
  };
  EXPECT_EQ(total(inner), 5000_ns); // none of the outer one's have slipped in
  EXPECT_EQ(total(outer), 10000_ns);
  Duration of_b{};
  for (const auto& [whom, length] : entries(log, outer))
    if (whom == b) of_b += length;
  EXPECT_EQ(of_b, 2500_ns);
  EXPECT_LT(entries(log, outer).size(), 3000u);
  log.close(inner);
  EXPECT_TRUE(log.is_open());
  log.close(outer);
  EXPECT_FALSE(log.is_open());
}

TEST(WaitLog, ForgetsAnOperationThatIsNeverClosed) {
  WaitLog log;
  const WaitLog::Mark abandoned = log.open();
  log.add(Account::io, a, 1_ns);
  WaitLog::Mark last{};
  for (std::size_t i = 0; i < WaitLog::most_open; ++i)
    last = log.open();
  log.add(Account::io, b, 2_ns);
  EXPECT_TRUE(entries(log, abandoned).empty());
  EXPECT_THAT(entries(log, last), ElementsAre(Pair(b, 2_ns)));
}

TEST(WaitLog, ANewGuessAtWhereAnOperationBeganReplacesTheOld) {
  WaitLog log;
  WaitLog::Mark guess = log.open_instead_of(0);
  log.add(Account::io, a, 1_ns);
  guess = log.open_instead_of(guess);
  EXPECT_TRUE(entries(log, guess).empty());
  log.add(Account::io, b, 2_ns);
  const WaitLog::Mark operation = log.open();
  log.add(Account::io, a, 4_ns);
  const WaitLog::Mark next = log.open_instead_of(guess);
  EXPECT_THAT(entries(log, operation), ElementsAre(Pair(a, 4_ns))); // which goes on meanwhile
  EXPECT_TRUE(entries(log, guess).empty());
  log.close(operation);
  EXPECT_FALSE(log.is_open());
  EXPECT_TRUE(entries(log, next).empty());
}

TEST(WaitLog, ReassignsTheEndOfAWaitAndLeavesWhatCameInBetween) {
  WaitLog log;
  const WaitLog::Mark mark = log.open();
  log.add(Account::tlb_remote, a, 100_ns);
  const std::size_t from = log.begin_apart();
  log.add(Account::tlb_remote, a, 60_ns);
  log.add(Account::interrupt, irq, 30_ns);
  log.add(Account::tlb_remote, a, 10_ns);
  log.reassign(from, a, b, 50_ns); // 10 + 30, which are the handler's, + 10
  EXPECT_THAT(entries(log, mark),
              ElementsAre(Pair(a, 100_ns), Pair(a, 50_ns), Pair(b, 10_ns), Pair(irq, 30_ns), Pair(b, 10_ns)));
  log.reassign(from, b, a, 1000_ns); // no further than `from`
  EXPECT_EQ(entries(log, mark).front(), std::pair(a, 100_ns));
}

// --- locks

TEST(Waits, ForASpinlockAreForItsClassAndNobodyElse) {
  LocksWorld w("queued", 1, 2);
  const auto lock = w.locks.make("test_lock");
  Waits waits;
  Duration spun{}, missed{};
  w.on(0, [&](Core& core) {
    lock->lock(core);
    core.charge(10_us, Account::work);
    lock->unlock(core);
  });
  w.on(1, [&](Core& core) {
    core.charge(2_us, Account::work);
    core.settle();
    Ledger& ledger = core.ledger();
    const WaitLog::Mark mark = ledger.open();
    lock->lock(core);
    core.charge(1_us, Account::work);
    lock->unlock(core);
    core.settle();
    waits = waits_since(mark, ledger, w.machine, w.counters);
    spun = ledger.total(Account::lock_spin);
    missed = ledger.total(Account::coherence);
    ledger.close(mark);
  });
  w.engine.run();
  EXPECT_GE(spun, 7900_ns);
  EXPECT_EQ(sum(waits, "lock_spin lock test_lock"), spun);
  EXPECT_EQ(sum(waits, "coherence lock test_lock"), missed);
  EXPECT_EQ(sum(waits, ""), spun + missed);
}

struct WaitsForASleepingLock : testing::TestWithParam<Variant> {};
INSTANTIATE_TEST_SUITE_P(Mutexes, WaitsForASleepingLock, testing::ValuesIn(mutex_variants),
                         [](const auto& info) { return std::string(info.param.name); });

TEST_P(WaitsForASleepingLock, AreForItsClassAndTheWayBackToTheCoreIsTheRunQueues) {
  Variant variant = GetParam();
  variant.settings.emplace_back("kernel.hz", std::int64_t{1});
  TasksWorld w(variant, 1, 2);
  Mutex mutex(w.locks, w.scheduler, "test_mutex");
  Waits waits;
  AccountTotals before{}, after{};
  w.task("holder", 0, [&](Task& task) {
    mutex.lock(task);
    work(task, 100_us);
    mutex.unlock(task);
  });
  w.task("waiter", 1, [&](Task& task) {
    work(task, 20_us);
    before = task.ledger.totals();
    const WaitLog::Mark mark = task.ledger.open();
    mutex.lock(task);
    mutex.unlock(task);
    task.core().settle();
    waits = waits_since(mark, task.ledger, w.machine, w.counters);
    after = task.ledger.totals();
    task.ledger.close(mark);
  });
  w.engine.run();
  const auto spent = [&](Account account) { return after[index(account)] - before[index(account)]; };
  for (const Account account : waiting_accounts)
    EXPECT_EQ(sum(waits, std::string(name(account)) + ' '), spent(account)) << name(account);
  EXPECT_GE(spent(Account::lock_spin) + spent(Account::lock_sleep), 70_us);
  EXPECT_EQ(sum(waits, "lock_sleep lock test_mutex"), spent(Account::lock_sleep));
  EXPECT_GE(sum(waits, "lock_spin lock ") + sum(waits, "lock_sleep lock "),
            spent(Account::lock_spin) + spent(Account::lock_sleep));
  EXPECT_EQ(sum(waits, "schedule run_queue ") + sum(waits, "schedule scheduler "), spent(Account::schedule));
  for (const auto& [whom, length] : waits)
    EXPECT_EQ(whom.find(" other "), std::string::npos) << whom << ' ' << length.count();
}

// --- other cores

struct Nothing final : RemoteCall {
  void run(Core& core) override { core.charge(3_us, Account::work); }
};

/// Core 0 calls a function on the cores of `targets`, of which the last has its interrupts off until 20 us.
struct CrossCall {
  CrossCall(const char* implementation, std::uint32_t targets, std::optional<Duration> own_interrupt = {})
      : w("queued", 1, targets + 1),
        calls(Registry<CrossCalls>::instance().create(implementation, w.machine, w.locks)) {
    w.machine.set_handler(Irq::tick, tick);
    for (std::uint32_t i = 1; i <= targets; ++i)
      w.on(i, [this, masked = i == targets](Core& core) {
        if (masked) core.irq_disable();
        core.charge(20_us, Account::work);
        core.settle();
        if (masked) core.irq_enable();
        core.charge(20_us, Account::work);
      });
    w.on(0, [this, targets](Core& core) {
      core.charge(1_us, Account::work);
      core.settle();
      began = core.now();
      Ledger& ledger = core.ledger();
      const WaitLog::Mark mark = ledger.open();
      CoreSet cores = CoreSet::first(targets + 1);
      cores.erase(CoreId(0));
      Nothing nothing;
      calls->call(core, cores, nothing);
      core.settle();
      ended = core.now();
      waits = waits_since(mark, ledger, w.machine, w.counters);
      remote = ledger.total(Account::tlb_remote);
      interrupted = ledger.total(Account::interrupt);
      ledger.close(mark);
    });
    if (own_interrupt)
      w.engine.at(at(*own_interrupt), [this] { w.machine.core(CoreId(0)).raise(Irq::tick); });
    w.engine.run();
    arrived = w.machine.core(CoreId(targets)).arrived_at(Irq::call_function);
    taken = w.machine.core(CoreId(targets)).taken_at(Irq::call_function);
  }
  Duration waited(const std::string& whom) const { return sum(waits, whom); }

  tests::TestHandler tick;
  LocksWorld w;
  std::unique_ptr<CrossCalls> calls;
  Waits waits;
  Instant began{}, ended{}, arrived{}, taken{};
  Duration remote{}, interrupted{};
};

TEST(WaitsForAnotherCore, AreSplitIntoTheWayThereIrqsOffAndItsHandler) {
  const CrossCall x("per_cpu_queue", 1);
  ASSERT_EQ(x.taken, at(20_us));
  EXPECT_EQ(x.waited("tlb_remote ipi cpu 1"), x.arrived - x.began); // preparing and sending it, too
  EXPECT_EQ(x.waited("tlb_remote irqs_off cpu 1"), at(20_us) - x.arrived);
  EXPECT_EQ(x.waited("tlb_remote handler cpu 1"), x.ended - at(20_us));
  EXPECT_EQ(x.waited(""), x.ended - x.began);
  EXPECT_EQ(x.remote, x.ended - x.began);
}

TEST(WaitsForAnotherCore, DoNotIncludeTheOwnHandlersInBetween) {
  const CrossCall x("per_cpu_queue", 1, 10_us);
  ASSERT_EQ(x.taken, at(20_us));
  ASSERT_GT(x.interrupted, 0_ns);
  EXPECT_EQ(x.waited("interrupt interrupt tick"), x.interrupted);
  EXPECT_EQ(x.waited("tlb_remote ipi cpu 1"), x.arrived - x.began);
  EXPECT_EQ(x.waited("tlb_remote irqs_off cpu 1"), at(20_us) - x.arrived - x.interrupted);
  EXPECT_EQ(x.waited("tlb_remote handler cpu 1"), x.ended - at(20_us));
  EXPECT_EQ(x.waited(""), x.ended - x.began);
}

TEST(WaitsForAnotherCore, OneCallAtATimeAreForWhoAnswersLast) {
  const CrossCall x("single_lock", 2);
  ASSERT_EQ(x.taken, at(20_us));
  EXPECT_EQ(x.waited("tlb_remote irqs_off"), at(20_us) - x.arrived);
  EXPECT_EQ(x.waited("tlb_remote irqs_off cpu 2"), at(20_us) - x.arrived);
  EXPECT_EQ(x.waited("tlb_remote handler cpu 2"), x.waited("tlb_remote handler"));
  EXPECT_EQ(x.waited("tlb_remote"), x.remote);
}

TEST(WaitsForAnotherCore, ThatAreSeveralAreForEachInTurn) {
  const CrossCall x("per_cpu_queue", 2);
  ASSERT_EQ(x.taken, at(20_us));
  EXPECT_EQ(x.waited("tlb_remote irqs_off cpu 1"), 0_ns); // it takes interrupts at once
  EXPECT_GT(x.waited("tlb_remote handler cpu 1"), 3_us);
  EXPECT_GT(x.waited("tlb_remote irqs_off cpu 2"), 5_us);
  EXPECT_EQ(x.waited("tlb_remote handler cpu 2"), x.ended - at(20_us));
  EXPECT_EQ(x.waited("tlb_remote"), x.remote);
}

TEST(Waits, ForABroadcastAreForTheInterconnect) {
  tests::TestMachine m(tests::small_machine());
  Waits waits;
  m.on(0, [&](Core& core) {
    const WaitLog::Mark mark = core.ledger().open();
    m.machine.maintenance().broadcast(core, {Maintenance::Scope::Kind::all});
    m.machine.maintenance().broadcast_barrier(core);
    core.settle();
    waits = waits_since(mark, core.ledger(), m.machine, m.counters);
    core.ledger().close(mark);
  });
  m.engine.run();
  EXPECT_GT(m.ledgers[0].total(Account::tlb_remote), 0_ns);
  EXPECT_EQ(sum(waits, "tlb_remote broadcast interconnect"), m.ledgers[0].total(Account::tlb_remote));
}

// --- devices

TEST(Waits, ForADeviceAreForItsName) {
  tests::TestMachine m(tests::small_machine());
  BlockLayer block(m.machine);
  BlockDevice disk(block, "disk", {BytesPerSecond(1e9), BytesPerSecond(1e9), 10_us}, 0);
  struct Read final : BlockRequest {
    void end_io(Core&, bool) override {}
  } read;
  Waits waits;
  m.on(0, [&](Core& core) {
    const WaitLog::Mark mark = core.ledger().open();
    disk.submit(core, read, Transfer::read, Bytes(4096));
    waits = waits_since(mark, core.ledger(), m.machine, m.counters);
    core.ledger().close(mark);
    core.charge(100_us, Account::work); // until the interrupt
    core.settle();
  });
  m.engine.run();
  EXPECT_THAT(waits, ElementsAre(Pair("io device disk", m.machine.costs().work.io_submit)));
}

// --- operations that begin in one task and end in another

TEST(Waits, OfAnOperationThatIsHandedOnAreThoseOfBothTasks) {
  TasksWorld w({"quiet", {{"kernel.hz", std::int64_t{1}}}}, 1, 1);
  OperationRecorder recorder({});
  const OperationId first = recorder.register_operation("first"),
                    later = recorder.register_operation("later");
  std::optional<OperationStart> passed;
  Task *from = nullptr, *to = nullptr;
  bool froms_turn = true;
  const auto await = [&](Task& task, bool mine) {
    while (froms_turn != mine) {
      w.scheduler.set_current_state(task);
      w.scheduler.block(task, Account::schedule, nullptr);
    }
  };
  constexpr int rounds = 3;
  from = &w.task("from", 0, [&](Task& task) {
    for (int i = 0; i < rounds; ++i) {
      await(task, true);
      work(task, 1_us);
      passed = OperationRecorder::begin(task.ledger, task.now());
      froms_turn = false;
      w.scheduler.wake(task.core(), *to);
    }
    await(task, true); // its books are looked at once more
  });
  to = &w.task("to", 0, [&](Task& task) {
    for (int i = 0; i < rounds; ++i) {
      await(task, false);
      const OperationStart start = Experiment::hand_on(*std::exchange(passed, std::nullopt), *from, task);
      work(task, 1_us);
      recorder.end(i == 0 ? first : later, start, task.ledger, task.now());
      froms_turn = true;
      w.scheduler.wake(task.core(), *from);
    }
  });
  w.engine.run();
  const OperationResult result =
      recorder.results([&](WaitId whom) { return w.machine.wait_names().name_of(whom, w.counters); })[1];
  EXPECT_EQ(result.latency.count(), 2u);
  Duration waited{}, accounted{};
  for (const WaitTotal& wait : result.waits) {
    EXPECT_NE(wait.kind, WaitKind::other) << name(wait.account) << ' ' << wait.total.count();
    waited += wait.total;
  }
  for (const Account account : waiting_accounts)
    accounted += result.accounts[index(account)];
  EXPECT_GT(waited, 0_ns);
  EXPECT_EQ(waited, accounted);
}

} // namespace
} // namespace mmsim::waits_test
