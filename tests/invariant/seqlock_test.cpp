// Random readers and writers of a pair under a seqlock: nobody sees half of a change.
#include "models/locks/seqcount.hpp"
#include "tests/support/locks_world.hpp"

#include <gtest/gtest.h>
#include <tuple>

namespace mmsim::seqlock_test {
namespace {

using namespace literals;

/// Two words that are always equal, except while somebody writes them.
struct Pair {
  explicit Pair(SpinLocks& locks) : lock(locks, "pair") {}
  void write(Core& core, RandomStream& random) {
    lock.write_seqlock_irqsave(core);
    EXPECT_EQ(inside++, 0);
    EXPECT_FALSE(core.preemptible());
    core.settle();
    ++first;
    core.charge(random.below(300_ns), Account::work);
    core.settle();
    ++second;
    --inside;
    lock.write_sequnlock_irqrestore(core);
    ++writes;
  }
  void read(Core& core, RandomStream& random) {
    std::uint32_t seq;
    std::uint64_t a, b;
    do {
      ++tries;
      seq = lock.read_seqbegin(core);
      EXPECT_EQ(seq & 1, 0u);
      core.settle();
      a = first;
      core.charge(random.below(300_ns), Account::work);
      core.settle();
      b = second;
      torn += a != b;
    } while (lock.read_seqretry(core, seq));
    EXPECT_EQ(a, b);
    ++reads;
  }
  SeqLock lock;
  std::uint64_t first = 0, second = 0, writes = 0, reads = 0, tries = 0, torn = 0;
  int inside = 0;
};

struct ReadingHandler : InterruptHandler {
  ReadingHandler(Pair& pair, RandomStream random) : pair(pair), random(std::move(random)) {}
  void handle(Core& core) override { pair.read(core, random); }
  Pair& pair;
  RandomStream random;
};

class RandomSeqLocking : public testing::TestWithParam<std::tuple<const char*, int>> {};

TEST_P(RandomSeqLocking, ShowsNoReaderHalfOfAChange) {
  const auto [kind, number] = GetParam();
  const auto seed = static_cast<std::uint64_t>(number);
  Engine::Options options;
  options.permute_ties = number % 2 == 0 ? seed : 0;
  LocksWorld world(kind, 2, 4, options);
  const std::uint32_t cores = world.machine.cpus();
  Pair pair(world.locks);
  ReadingHandler handler(pair, RandomStream(seed, "handler"));
  world.machine.set_handler(Irq::tick, handler);
  std::uint32_t finished = 0;
  for (std::uint32_t id = 0; id < cores; ++id)
    world.on(id, [&, random = RandomStream(seed, "cpu " + std::to_string(id))](Core& core) mutable {
      for (int round = 0; round < 300; ++round) {
        core.charge(random.exponential(2_us), Account::user);
        random.below(4) == 0 ? pair.write(core, random) : pair.read(core, random);
      }
      core.settle();
      ++finished;
    });
  world.interrupt_while([&] { return finished < cores; }, 1_us, seed);
  world.engine.run();
  EXPECT_EQ(pair.first, pair.writes);
  EXPECT_EQ(pair.second, pair.writes);
  EXPECT_GT(pair.torn, 20u) << "readers hardly met a writer";
  EXPECT_EQ(world.counters[Counter::seq_retry], pair.tries - pair.reads);
  EXPECT_FALSE(pair.lock.count().odd());
}

INSTANTIATE_TEST_SUITE_P(Kinds, RandomSeqLocking,
                         testing::Combine(testing::Values("tas", "ticket", "queued"), testing::Range(1, 4)),
                         [](const auto& info) {
                           return std::string(std::get<0>(info.param)) + "_" +
                                  std::to_string(std::get<1>(info.param));
                         });

std::string message_of(LocksWorld& world) {
  try {
    world.engine.run();
  } catch (const Violation& violation) {
    return violation.what();
  }
  return "no violation";
}

TEST(SeqLock, ReadInAnInterruptThatCameWhileItsCoreWritesIsAViolationAndNoHang) {
  LocksWorld world("queued", 1, 1, {}, false); // without lockdep, which would be the first to find it
  Pair pair(world.locks);
  ReadingHandler handler(pair, RandomStream(1, "handler"));
  world.machine.set_handler(Irq::tick, handler);
  world.on(0, [&](Core& core) {
    pair.lock.write_seqlock(core); // should have been irqsave
    core.charge(10_us, Account::work);
    pair.lock.write_sequnlock(core);
  });
  world.engine.at(Instant{} + 5_us, [&] { world.machine.core(CoreId(0)).raise(Irq::tick); });
  EXPECT_NE(
      message_of(world).find("cpu 0 reads pair, being written by cpu 0, in an interrupt that came while "
                             "it was writing: it would wait for itself for ever"),
      std::string::npos);
}

TEST(SeqLock, MayBeReadInAnInterruptOfAnotherCore) {
  LocksWorld world("queued", 1, 2);
  Pair pair(world.locks);
  ReadingHandler handler(pair, RandomStream(1, "handler"));
  world.machine.set_handler(Irq::tick, handler);
  world.on(0, [&](Core& core) {
    pair.lock.write_seqlock_irqsave(core);
    core.charge(10_us, Account::work);
    pair.lock.write_sequnlock_irqrestore(core);
  });
  world.on(1, [&](Core& core) { core.charge(20_us, Account::user); });
  world.engine.at(Instant{} + 5_us, [&] { world.machine.core(CoreId(1)).raise(Irq::tick); });
  EXPECT_EQ(message_of(world), "no violation");
  EXPECT_EQ(pair.reads, 1u);
}

TEST(SeqCount, IsNotWrittenWithPreemptionOnExceptInTheRawForm) {
  LocksWorld world("queued", 1, 1);
  SeqCount count("count");
  world.on(0, [&](Core& core) {
    count.raw_write_seqcount_begin(core);
    count.raw_write_seqcount_end(core);
    EXPECT_THROW(count.write_seqcount_begin(core), Violation);
    core.preempt_disable();
    count.write_seqcount_begin(core);
    count.write_seqcount_end(core);
    core.preempt_enable();
  });
  EXPECT_EQ(message_of(world), "no violation");
  EXPECT_FALSE(count.odd());
}

TEST(SeqCount, RefusesASecondWriter) {
  LocksWorld world("queued", 1, 2);
  SeqCount count("count");
  world.on(0, [&](Core& core) { count.raw_write_seqcount_begin(core); });
  world.on(1, [&](Core& core) {
    core.charge(1_us, Account::work);
    count.raw_write_seqcount_begin(core);
  });
  EXPECT_NE(message_of(world).find("cpu 1 writes count, being written by cpu 0"), std::string::npos);
}

} // namespace
} // namespace mmsim::seqlock_test
