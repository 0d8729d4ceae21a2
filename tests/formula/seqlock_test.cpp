// What seqcounts and seqlocks cost, and that no writer waits for a reader.
#include "models/locks/seqcount.hpp"
#include "tests/support/line_costs.hpp"
#include "tests/support/locks_world.hpp"

#include <gtest/gtest.h>

namespace mmsim::seqlock_test {
namespace {

using namespace literals;

struct SeqCosts : testing::Test {
  LocksWorld world{"queued", 1, 2};
  const ClusterLineCosts costs{world.machine};
  SeqLock lock{world.locks, "jiffies_lock"};
  SeqCount raw{"write_protect_seq"};

  static Duration time_of(Core& core, const std::function<void()>& body) {
    core.settle();
    const Instant start = core.now();
    body();
    core.settle();
    return core.now() - start;
  }
};

TEST_F(SeqCosts, OfAReaderAreTwoReadsOfTheLine) {
  Duration alone{}, fetched{};
  world.on(0, [&](Core& core) {
    raw.raw_read_seqcount(core);
    alone =
        time_of(core, [&] { EXPECT_FALSE(raw.read_seqcount_retry(core, raw.read_seqcount_begin(core))); });
  });
  world.on(1, [&](Core& core) {
    core.charge(10_us, Account::work);
    fetched =
        time_of(core, [&] { EXPECT_FALSE(raw.read_seqcount_retry(core, raw.read_seqcount_begin(core))); });
  });
  world.engine.run();
  EXPECT_EQ(alone, 2 * costs.hit);
  EXPECT_EQ(fetched, costs.transfer + costs.hit);
}

TEST_F(SeqCosts, OfAWriterAreItsSpinlockAndTwoStoresToTheSameLine) {
  Duration took{};
  world.on(0, [&](Core& core) {
    lock.write_seqlock(core);
    lock.write_sequnlock(core);
    took = time_of(core, [&] {
      lock.write_seqlock(core);
      lock.write_sequnlock(core);
    });
  });
  world.engine.run();
  EXPECT_EQ(took, (costs.hit + costs.atomic) + 2 * costs.hit + costs.hit);
}

// The reader holds a copy of the line and waits for an even count; ending the write takes the copy away and
// that is all.
TEST_F(SeqCosts, OfAWriterWithAReaderThatWaitsAreOneTransferMore) {
  Duration ending{};
  Instant ended, read;
  world.on(0, [&](Core& core) {
    raw.raw_write_seqcount_begin(core);
    core.charge(20_us, Account::work);
    ending = time_of(core, [&] { raw.raw_write_seqcount_end(core); });
    ended = core.now();
  });
  world.on(1, [&](Core& core) {
    core.charge(1_us, Account::work);
    EXPECT_EQ(raw.read_seqcount_begin(core), 2u);
    read = core.now();
  });
  world.engine.run();
  EXPECT_EQ(ending, costs.transfer);
  EXPECT_EQ(read - ended, costs.transfer);
  EXPECT_EQ(world.ledgers[0].total(Account::lock_spin), 0_ns);
  EXPECT_GT(world.ledgers[1].total(Account::lock_spin), 18_us);
}

TEST_F(SeqCosts, OfTheRawReadAreOneReadWhateverItFinds) {
  Duration took{};
  world.on(0, [&](Core& core) {
    raw.raw_write_seqcount_begin(core);
    core.charge(20_us, Account::work);
    core.settle();
    raw.raw_write_seqcount_end(core);
  });
  world.on(1, [&](Core& core) {
    core.charge(10_us, Account::work);
    took = time_of(core, [&] { EXPECT_EQ(raw.raw_read_seqcount(core), 1u); });
  });
  world.engine.run();
  EXPECT_EQ(took, costs.transfer);
}

TEST_F(SeqCosts, CountEachTimeThatAReaderHasToStartAgain) {
  world.on(0, [&](Core& core) {
    core.charge(10_us, Account::work);
    for (int i = 0; i < 3; ++i) {
      lock.write_seqlock_irqsave(core);
      core.charge(1_us, Account::work);
      lock.write_sequnlock_irqrestore(core);
      core.charge(10_us, Account::work);
    }
  });
  int rounds = 0;
  world.on(1, [&](Core& core) {
    std::uint32_t seq;
    do {
      seq = lock.read_seqbegin(core);
      core.charge(15_us, Account::work);
      ++rounds;
    } while (lock.read_seqretry(core, seq));
  });
  world.engine.run();
  EXPECT_EQ(rounds, 4);
  EXPECT_EQ(world.counters[Counter::seq_retry], 3u);
}

} // namespace
} // namespace mmsim::seqlock_test
