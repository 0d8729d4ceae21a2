// Re-reads of spinning cores computed in one step against one event for each: the same to the picosecond.
//
// Random machines, locks and programs; interrupts fall on cores that spin, with irqs on and off. The slow way
// (run.batch_rereads = false) is the reference. (Other seeds can differ where two cores meet at a line in the same
// picosecond: which of them comes first is not defined.)
#include "models/locks/spinlock.hpp"
#include "sim/engine/random.hpp"
#include "tests/support/child.hpp"
#include "tests/support/test_machine.hpp"

#include <gtest/gtest.h>

namespace mmsim::rereads_test {
namespace {

using tests::TestMachine;

struct Scheme {
  std::string lock;
  std::int64_t dies, cores_per_cluster;
  bool all_irqsave;
  int rounds;
};

std::string ps(RandomStream& random, std::int64_t most) {
  return std::to_string(1 + random.below(Duration(most)).count()) + " ps";
}

/// Who had the lock when, and where everybody's time went.
std::vector<std::int64_t> run(const Scheme& scheme, std::uint64_t seed, bool batches) {
  RandomStream random(seed, "machine");
  const auto line = [&](std::int64_t most) { return ps(random, most); };
  TestMachine m({{"machine.sockets", std::int64_t{2}},
                 {"machine.dies_per_socket", scheme.dies},
                 {"machine.clusters_per_die", std::int64_t{2}},
                 {"machine.cores_per_cluster", scheme.cores_per_cluster},
                 {"machine.interconnect.cluster", "9.8 ns"},
                 {"machine.interconnect.die", "14.6 ns"},
                 {"machine.interconnect.socket", "54.2 ns"},
                 {"machine.interconnect.system", "150.6 ns"},
                 {"machine.line.hit", line(1'500)},
                 {"machine.line.atomic", line(5'000)},
                 {"machine.line.transfer", "23.333 ns"},
                 {"machine.line.request", line(20'000)},
                 {"machine.line.share", line(20'000)},
                 {"machine.irq.entry", line(300'000)},
                 {"machine.irq.exit", line(100'000)},
                 {"kernel.spinlock", scheme.lock},
                 {"run.batch_rereads", batches}});
  SpinLocks locks(m.machine, m.configuration);
  const auto first = locks.make("first"), second = locks.make("second");
  std::vector<std::int64_t> log;
  RandomStream interrupts(seed, "interrupts");
  const std::uint32_t cores = m.machine.cpus();
  for (int i = 0; i < 40; ++i)
    m.raise_at(interrupts.below(Duration(60'000'000)),
               static_cast<std::uint32_t>(interrupts.below(Duration(cores)).count()), Irq::tick);
  m.handler(Irq::tick).body = [](Core& core) { core.charge(Duration(123'457), Account::interrupt); };
  std::vector<RandomStream> streams;
  for (std::uint32_t id = 0; id < cores; ++id)
    streams.emplace_back(seed, "core " + std::to_string(id));
  for (std::uint32_t id = 0; id < cores; ++id)
    m.on(id, [&, id](Core& core) {
      RandomStream& mine = streams[id];
      for (int round = 0; round < scheme.rounds; ++round) {
        core.charge(mine.exponential(Duration(700'000)), Account::work);
        SpinLock& lock = mine.below(Duration(4)).count() == 0 ? *second : *first;
        const bool irqsave = scheme.all_irqsave || mine.below(Duration(2)).count() == 0;
        irqsave ? lock.lock_irqsave(core) : lock.lock(core);
        log.push_back(id);
        log.push_back(core.now().time_since_epoch().count());
        core.charge(mine.exponential(Duration(90'000)), Account::work);
        irqsave ? lock.unlock_irqrestore(core) : lock.unlock(core);
      }
      core.settle();
    });
  m.engine.run();
  for (const Ledger& ledger : m.ledgers)
    for (const Duration total : ledger.totals())
      log.push_back(total.count());
  return log;
}

class Rereads : public testing::TestWithParam<Scheme> {};

TEST_P(Rereads, InOneStepAreTheSameAsOneEventEach) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    const auto slow = tests::in_child([&] { return run(GetParam(), seed, false); });
    const auto fast = tests::in_child([&] { return run(GetParam(), seed, true); });
    ASSERT_EQ(slow.size(), fast.size()) << "seed " << seed;
    for (std::size_t i = 0; i < slow.size(); ++i)
      ASSERT_EQ(slow[i], fast[i]) << "seed " << seed << ", entry " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Locks, Rereads,
                         testing::Values(Scheme{"ticket", 1, 2, false, 30}, Scheme{"ticket", 3, 4, false, 20},
                                         Scheme{"ticket", 2, 8, true, 12}, Scheme{"queued", 2, 3, false, 20},
                                         Scheme{"queued", 3, 5, true, 12}, Scheme{"tas", 2, 2, false, 20},
                                         Scheme{"tas", 1, 6, true, 12}),
                         [](const auto& info) {
                           return info.param.lock + "_" +
                                  std::to_string(info.param.dies * 4 * info.param.cores_per_cluster) +
                                  (info.param.all_irqsave ? "_irqsave" : "_mixed");
                         });

} // namespace
} // namespace mmsim::rereads_test
