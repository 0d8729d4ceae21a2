// sim/record against exact sorts, sums and hand-computed intervals.

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <random>
#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>

#include "sim/record/account.hpp"
#include "sim/record/batch_means.hpp"
#include "sim/record/counters.hpp"
#include "sim/record/histogram.hpp"
#include "sim/record/ledger.hpp"
#include "sim/record/operations.hpp"

namespace mmsim::record_test {
namespace {

using namespace literals;

Instant at(std::int64_t ps) { return Instant(Duration(ps)); }

// Log-uniform over 12 decades: every octave of the histogram is met. mt19937_64's bits are fixed by the
// standard.
std::vector<std::int64_t> log_uniform(std::size_t n, std::uint64_t seed) {
  std::mt19937_64 bits(seed);
  std::vector<std::int64_t> values(n);
  for (std::int64_t& value : values) {
    const int width = int(bits() % 41);
    value = width == 0 ? 0 : std::int64_t(bits() >> (64 - width));
  }
  return values;
}

Histogram histogram_of(const std::vector<std::int64_t>& values) {
  Histogram histogram;
  for (const std::int64_t value : values)
    histogram.record(Duration(value));
  return histogram;
}

TEST(Histogram, QuantilesAreWithinTheirBucketOfAnExactSort) {
  for (const std::size_t n : {1u, 2u, 3u, 10u, 999u, 20000u}) {
    std::vector<std::int64_t> values = log_uniform(n, n);
    const Histogram histogram = histogram_of(values);
    std::sort(values.begin(), values.end());
    for (std::uint64_t permille = 0; permille <= 1000; ++permille) {
      const std::uint64_t rank = std::max<std::uint64_t>(1, (n * permille + 999) / 1000);
      const std::int64_t exact = values[rank - 1];
      const std::int64_t answer = histogram.quantile(permille, 1000).count();
      EXPECT_LE(std::abs(answer - exact), exact / 128) << "n " << n << ", permille " << permille;
    }
    EXPECT_EQ(histogram.quantile(0, 1).count(), values.front());
    EXPECT_EQ(histogram.quantile(1, 1).count(), values.back());
  }
}

TEST(Histogram, ValuesBelow256PicosecondsAreExact) {
  std::vector<std::int64_t> values;
  for (std::int64_t value = 0; value < 256; ++value)
    values.push_back(value);
  const Histogram histogram = histogram_of(values);
  for (std::uint64_t rank = 1; rank <= 256; ++rank)
    EXPECT_EQ(histogram.quantile(rank, 256).count(), std::int64_t(rank) - 1);
}

TEST(Histogram, EqualValuesGiveThatValueAtEveryQuantile) {
  const Histogram histogram = histogram_of(std::vector<std::int64_t>(1000, 123'456'789));
  for (const unsigned percent : {0u, 1u, 50u, 99u, 100u})
    EXPECT_EQ(histogram.percentile(percent).count(), 123'456'789);
}

TEST(Histogram, InterpolatesAsItsHeaderSays) {
  // 1024 and 1030 share the bucket [1024, 1032), which also holds the two in between; k = 2 of c = 4: 1024 +
  // 8 * 3 / 8.
  const Histogram histogram = histogram_of({1024, 1025, 1026, 1030, 5000});
  EXPECT_EQ(histogram.quantile(2, 5).count(), 1024 + 3);
}

TEST(Histogram, CountSumMinimumAndMaximumAreExact) {
  const std::vector<std::int64_t> values = log_uniform(5000, 7);
  const Histogram histogram = histogram_of(values);
  std::int64_t sum = 0;
  for (const std::int64_t value : values)
    sum += value;
  EXPECT_EQ(histogram.count(), 5000u);
  EXPECT_EQ(histogram.sum().count(), sum);
  EXPECT_EQ(histogram.min().count(), *std::min_element(values.begin(), values.end()));
  EXPECT_EQ(histogram.max().count(), *std::max_element(values.begin(), values.end()));
}

TEST(Histogram, MergingGivesTheHistogramOfAllValues) {
  const std::vector<std::int64_t> first = log_uniform(1000, 1), second = log_uniform(10, 2);
  std::vector<std::int64_t> all = first;
  all.insert(all.end(), second.begin(), second.end());
  Histogram forward = histogram_of(first), backward = histogram_of(second);
  forward.merge(histogram_of(second));
  backward.merge(histogram_of(first));
  EXPECT_EQ(forward, histogram_of(all));
  EXPECT_EQ(backward, histogram_of(all));
  forward.merge(Histogram());
  EXPECT_EQ(forward, histogram_of(all));
}

TEST(Histogram, TakesTheLongestDurationAndRefusesToOverflowItsSum) {
  Histogram histogram = histogram_of({INT64_MAX});
  EXPECT_EQ(histogram.percentile(50).count(), INT64_MAX);
  EXPECT_THROW(histogram.record(1_ps), std::overflow_error);
  EXPECT_EQ(histogram, histogram_of({INT64_MAX}));
  EXPECT_THROW(histogram.record(Duration(-1)), std::logic_error);
}

TEST(Histogram, AnEmptyOneAnswersZero) {
  EXPECT_EQ(Histogram().percentile(99), 0_ps);
  EXPECT_EQ(Histogram().min(), 0_ps);
  EXPECT_THROW(Histogram().quantile(2, 1), std::invalid_argument);
}

TEST(Histogram, RestoringRefusesPartsThatContradictEachOther) {
  const Histogram histogram = histogram_of({100, 5000});
  const auto buckets = histogram.buckets();
  EXPECT_EQ(Histogram::restore(buckets, 100_ps, 5000_ps, 5100_ps), histogram);
  EXPECT_THROW(Histogram::restore(buckets, 99_ps, 5000_ps, 5100_ps), std::invalid_argument);
  EXPECT_THROW(Histogram::restore(buckets, 100_ps, 6000_ps, 6100_ps), std::invalid_argument);
  EXPECT_THROW(Histogram::restore({}, 0_ps, 0_ps, 1_ps), std::invalid_argument);
}

TEST(Histogram, WiderIntervalsHoldTheSameValuesWithinTheirBounds) {
  const std::vector<std::int64_t> values = log_uniform(20000, 5);
  const Histogram histogram = histogram_of(values);
  for (const int bits : {0, 4, 7}) {
    std::uint64_t end = 0, count = 0;
    for (const auto& [low, high, inside] : histogram.intervals(bits)) {
      EXPECT_GE(low, end);
      EXPECT_EQ(high - low, std::max<std::uint64_t>(1, std::bit_floor(low) >> bits)) << low;
      const auto exact = std::ranges::count_if(
          values, [&](std::int64_t v) { return low <= std::uint64_t(v) && std::uint64_t(v) < high; });
      EXPECT_EQ(inside, std::uint64_t(exact)) << low << " to " << high;
      end = high;
      count += inside;
    }
    EXPECT_EQ(count, values.size());
  }
}

TEST(Histogram, SixteenIntervalsAnOctaveJoinPicosecondsFrom32On) {
  using Interval = Histogram::Interval;
  Histogram histogram;
  for (const std::int64_t value : {0, 31, 32, 33, 248, 255, 256, 271, 272})
    histogram.record(Duration(value));
  EXPECT_EQ(histogram.intervals(4),
            (std::vector<Interval>{
                {0, 1, 1}, {31, 32, 1}, {32, 34, 2}, {248, 256, 2}, {256, 272, 2}, {272, 288, 1}}));
  Histogram longest;
  longest.record(Duration::max());
  EXPECT_EQ(longest.intervals(4), (std::vector<Interval>{{(std::uint64_t(1) << 63) - (std::uint64_t(1) << 58),
                                                          std::uint64_t(1) << 63, 1}}));
  EXPECT_TRUE(Histogram().intervals(4).empty());
}

TEST(Ledger, TotalsSumToTheTimeSinceItsResetToThePicosecond) {
  std::mt19937_64 bits(3);
  Ledger ledger(at(17));
  Instant now = at(17);
  std::array<std::int64_t, account_count> expected{};
  for (int i = 0; i < 10000; ++i) {
    const std::size_t account = bits() % account_count;
    const Duration step(std::int64_t(bits() % 1'000'003));
    now += step;
    ledger.book(Account(account), now);
    expected[account] += step.count();
  }
  Duration sum{};
  for (std::size_t i = 0; i < account_count; ++i) {
    EXPECT_EQ(ledger.total(Account(i)).count(), expected[i]);
    sum += ledger.totals()[i];
  }
  EXPECT_EQ(sum, now - at(17));
  EXPECT_EQ(ledger.booked_until(), now);
}

TEST(Ledger, RefusesTimeThatGoesBack) {
  Ledger ledger(at(100));
  ledger.book(Account::user, at(100));
  EXPECT_THROW(ledger.book(Account::user, at(99)), std::logic_error);
  EXPECT_EQ(ledger.total(Account::user), 0_ps);
}

TEST(Account, NamesLeadBackToTheirAccounts) {
  for (std::size_t i = 0; i < account_count; ++i)
    EXPECT_EQ(account_named(name(Account(i))), Account(i));
  EXPECT_EQ(account_named("nonsense"), std::nullopt);
}

TEST(Counters, AWindowIsTheDifferenceOfItsSnapshots) {
  Counters counters;
  counters.add(Counter::pgfault, 5);
  const LockClassId mmap_lock = counters.register_lock_class("mmap_lock");
  counters.lock_acquired(mmap_lock, true, 40_ns);
  const Counters::Snapshot start = counters.snapshot();
  counters.restart_maxima();
  counters.add(Counter::pgfault);
  counters.lock_released(mmap_lock, 100_ns);
  counters.lock_acquired(mmap_lock, false, 0_ns);
  const LockClassId late = counters.register_lock_class("zone");
  counters.lock_acquired(late, true, 7_ns);
  const Counters::Snapshot window = difference(counters.snapshot(), start);
  EXPECT_EQ(window[Counter::pgfault], 1u);
  EXPECT_EQ(window[Counter::pgalloc], 0u);
  EXPECT_EQ(window.lock_class("mmap_lock"), (LockClassStats{1, 0, 0_ns, 100_ns, 0_ns, 100_ns, 0, 0}));
  EXPECT_EQ(window.lock_class("zone"), (LockClassStats{1, 1, 7_ns, 0_ns, 7_ns, 0_ns, 0, 0}));
  EXPECT_EQ(counters.snapshot()[Counter::pgfault], 6u);
  EXPECT_THROW(difference(start, counters.snapshot()), std::logic_error);
}

TEST(Counters, TheLongestWaitAndHoldAreThoseOfTheWindow) {
  Counters counters;
  const LockClassId lock = counters.register_lock_class("mmap_lock");
  counters.lock_acquired(lock, true, 90_ns);
  counters.lock_released(lock, 800_ns);
  const Counters::Snapshot start = counters.snapshot();
  counters.restart_maxima();
  for (const Duration wait : {30_ns, 70_ns, 10_ns}) {
    counters.lock_acquired(lock, true, wait);
    counters.lock_released(lock, 5 * wait);
  }
  counters.lock_acquired(lock, false, 95_ns); // found free: no wait
  const LockClassStats window = difference(counters.snapshot(), start).lock_class("mmap_lock");
  EXPECT_EQ(window.wait, 110_ns);
  EXPECT_EQ(window.wait_max, 70_ns);
  EXPECT_EQ(window.hold_max, 350_ns);
}

TEST(Counters, AnAcquisitionBouncesIfAnotherCpuHadTheLockLast) {
  Counters counters;
  const LockClassId lock = counters.register_lock_class("mmap_lock");
  counters.lock_acquired(lock, false, {}, true);
  counters.lock_acquired(lock, true, 1_ns, true);
  counters.lock_acquired(lock, true, 1_ns, false);
  const LockClassStats stats = counters.lock_class(lock);
  EXPECT_EQ(stats.acquired, 3u);
  EXPECT_EQ(stats.contended, 2u);
  EXPECT_EQ(stats.acq_bounces, 2u);
  EXPECT_EQ(stats.con_bounces, 1u);
}

TEST(Counters, SeedsAddUpExceptForTheirLongestWaits) {
  const auto seed = [](Duration wait) {
    Counters counters;
    const LockClassId lock = counters.register_lock_class("mmap_lock");
    counters.lock_acquired(lock, true, wait, true);
    counters.lock_released(lock, 2 * wait);
    return counters.snapshot();
  };
  Counters::Snapshot both = seed(3_ns);
  both.add(seed(5_ns));
  EXPECT_EQ(both.lock_class("mmap_lock"), (LockClassStats{2, 2, 8_ns, 16_ns, 5_ns, 10_ns, 2, 2}));
}

TEST(Counters, ALockClassRegisteredTwiceIsOne) {
  Counters counters;
  const LockClassId first = counters.register_lock_class("mmap_lock");
  const LockClassId other = counters.register_lock_class("zone");
  EXPECT_NE(first, other);
  EXPECT_EQ(counters.register_lock_class("mmap_lock"), first);
  EXPECT_EQ(counters.snapshot().lock_classes.size(), 2u);
}

TEST(Counters, EveryRequestedInterruptIsReceivedOrCoalesced) {
  Counters counters;
  counters.add(Counter::ipi_requested, 10);
  counters.add(Counter::ipi_received, 7);
  EXPECT_NE(interrupt_imbalance(counters.snapshot()), std::nullopt);
  counters.add(Counter::ipi_coalesced, 3);
  EXPECT_EQ(interrupt_imbalance(counters.snapshot()), std::nullopt);
}

TEST(Counters, NamesLeadBackToTheirCounters) {
  for (std::size_t i = 0; i < counter_count; ++i)
    EXPECT_EQ(counter_named(name(Counter(i))), Counter(i));
}

TEST(BatchMeans, BlocksOfEqualCountsDoubleInOrderOfCompletion) {
  for (const std::uint64_t n : {0u, 1u, 19u, 20u, 39u, 40u, 41u, 79u, 80u, 1000u, 12345u}) {
    BatchMeans batches;
    for (std::uint64_t i = 0; i < n; ++i)
      batches.record(Duration(std::int64_t(i * i)));
    EXPECT_GE(batches.sums().size(), std::min<std::uint64_t>(n, 20)) << n;
    EXPECT_LT(batches.sums().size(), 40u) << n;
    std::uint64_t i = 0;
    for (const std::int64_t sum : batches.sums()) {
      std::int64_t expected = 0;
      for (std::uint64_t j = 0; j < batches.size(); ++j, ++i)
        expected += std::int64_t(i * i);
      EXPECT_EQ(sum, expected) << n;
    }
    EXPECT_EQ(i + batches.state().open_count, n);
  }
}

BatchMeans batches_of(const std::vector<std::int64_t>& values) {
  BatchMeans batches;
  for (const std::int64_t value : values)
    batches.record(Duration(value));
  return batches;
}

// Quantiles of Student's t below are from printed tables, not from the library under test.

TEST(ConfidenceInterval, OfOneSeedIsThatOfItsBatches) {
  // Mean 5, squares 20, so t(0.975, 3) * sqrt(20 / 3 / 4).
  EXPECT_NEAR(ci95_half_width(std::array{batches_of({2, 4, 6, 8})}).value(),
              3.182446 * std::sqrt(20.0 / 3 / 4), 1e-5);
}

TEST(ConfidenceInterval, PoolsSeedsThatDoNotDiffer) {
  // Squares 40 of 8 batches: t(0.975, 7) * sqrt(40 / 7 / 8).
  EXPECT_NEAR(ci95_half_width(std::array{batches_of({2, 4, 6, 8}), batches_of({8, 6, 4, 2})}).value(),
              2.364624 * std::sqrt(40.0 / 7 / 8), 1e-5);
}

TEST(ConfidenceInterval, OfSeedsThatDifferIsThatOfTheirMeans) {
  // Means 11 and 31, grand mean 21, squares between 400: t(0.975, 1) * sqrt(400 / 1 / 4).
  EXPECT_NEAR(ci95_half_width(std::array{batches_of({10, 12}), batches_of({30, 32})}).value(), 127.06205,
              1e-4);
}

TEST(ConfidenceInterval, OfOneValueASeedIsThatOfTheSeeds) {
  // Mean 2, squares 2, of 3 seeds: t(0.975, 2) * sqrt(2 / 2 / 3).
  EXPECT_NEAR(ci95_half_width(std::array{batches_of({1}), batches_of({2}), batches_of({3})}).value(),
              4.302653 * std::sqrt(1.0 / 3), 1e-5);
}

TEST(ConfidenceInterval, CutsSeedsInBatchesOfOneSize) {
  // 40 values make batches of two; the other seed's five singles become two pairs and an open one.
  std::vector<std::int64_t> forty;
  for (int i = 0; i < 40; ++i)
    forty.push_back(i % 2);
  // All pairs of both seeds have the mean 0.5, whatever the fifth single is.
  EXPECT_DOUBLE_EQ(ci95_half_width(std::array{batches_of(forty), batches_of({0, 1, 1, 0, 1000})}).value(), 0);
}

TEST(ConfidenceInterval, OfConstantLatenciesIsZero) {
  EXPECT_EQ(ci95_half_width(std::array{batches_of(std::vector<std::int64_t>(777, 123457)),
                                       batches_of(std::vector<std::int64_t>(50, 123457))}),
            0.0);
}

TEST(ConfidenceInterval, CannotBeToldFromFewerThanTwoBatches) {
  EXPECT_EQ(ci95_half_width({}), std::nullopt);
  EXPECT_EQ(ci95_half_width(std::array{batches_of({}), batches_of({})}), std::nullopt);
  EXPECT_EQ(ci95_half_width(std::array{batches_of({5})}), std::nullopt);
}

TEST(ConfidenceInterval, CoversTheTrueMeanInNinetyFiveOfAHundredRuns) {
  // Three seeds of 500 latencies of an AR(1) process (correlation 0.5) about 1 us; 2,000 repetitions. Without
  // batches the interval would be too short by sqrt(3) and cover in 74 %.
  std::mt19937_64 bits(11);
  const auto uniform = [&] { return double(bits() >> 11) * 0x1p-53 - 0.5; };
  int covered = 0;
  for (int repetition = 0; repetition < 2000; ++repetition) {
    std::vector<BatchMeans> seeds(3);
    double sum = 0;
    for (BatchMeans& seed : seeds) {
      double state = 0;
      for (int i = -20; i < 500; ++i) {
        state = 0.5 * state + uniform();
        if (i < 0) continue;
        const double latency = std::round(1e6 + 1e5 * state);
        sum += latency;
        seed.record(Duration(std::int64_t(latency)));
      }
    }
    covered += std::abs(sum / 1500 - 1e6) <= ci95_half_width(seeds).value();
  }
  RecordProperty("covered", covered);
  EXPECT_GE(covered, 1860);
  EXPECT_LE(covered, 1960);
}

class OperationsTest : public testing::Test {
 protected:
  // One operation in [began, ended): half user, the rest tlb_remote.
  void run(OperationRecorder& recorder, OperationId id, std::int64_t began, std::int64_t ended) {
    Ledger ledger(at(began));
    const OperationStart start = OperationRecorder::begin(ledger, at(began));
    ledger.book(Account::user, at((began + ended) / 2));
    ledger.book(Account::tlb_remote, at(ended));
    recorder.end(id, start, ledger, at(ended));
  }
};

TEST_F(OperationsTest, AccountTotalsSumToTheTotalLatencyExactly) {
  std::mt19937_64 bits(5);
  OperationRecorder recorder({at(0), at(INT64_MAX / 2)});
  const OperationId fork = recorder.register_operation("fork");
  Ledger ledger(at(0));
  Instant now = at(0);
  for (int i = 0; i < 3000; ++i) {
    now += Duration(std::int64_t(bits() % 1000));
    ledger.book(Account::schedule, now); // between operations: nobody's latency
    const OperationStart start = OperationRecorder::begin(ledger, now);
    for (int step = 0; step < 5; ++step) {
      now += Duration(std::int64_t(bits() % 100'003));
      ledger.book(Account(bits() % account_count), now);
    }
    recorder.end(fork, start, ledger, now);
  }
  const OperationResult result = recorder.results().at(0);
  Duration sum{};
  for (const Duration total : result.accounts)
    sum += total;
  EXPECT_EQ(sum, result.latency.sum());
  EXPECT_EQ(result.latency.count(), 3000u);
}

TEST_F(OperationsTest, OnlyThoseThatBeginAndEndInsideTheWindowGiveALatency) {
  OperationRecorder recorder({at(100), at(200)});
  const OperationId fork = recorder.register_operation("fork");
  const OperationId exit = recorder.register_operation("exit");
  run(recorder, fork, 50, 99);   // before
  run(recorder, fork, 99, 100);  // completed inside, begun before
  run(recorder, fork, 100, 110); // inside
  run(recorder, fork, 150, 199); // inside, to its last picosecond
  run(recorder, fork, 150, 200); // ends after it
  run(recorder, exit, 210, 220); // after
  const OperationResult result = recorder.results().at(0);
  EXPECT_EQ(result.completed, 3u);
  EXPECT_EQ(result.latency.count(), 2u);
  EXPECT_EQ(result.latency.sum(), 59_ps);
  EXPECT_EQ(recorder.completed(exit), 0u);
  EXPECT_EQ(recorder.completed(), 3u);
  EXPECT_EQ(recorder.measured(), 100_ps);
}

TEST_F(OperationsTest, ARunBoundedByOperationsClosesItsWindowAfterTheLast) {
  OperationRecorder recorder({at(100)});
  const OperationId fork = recorder.register_operation("fork");
  EXPECT_THROW(recorder.measured(), std::logic_error);
  run(recorder, fork, 100, 150);
  run(recorder, fork, 150, 300);
  recorder.close(at(300));
  run(recorder, fork, 200, 300);
  recorder.close(at(400));
  EXPECT_EQ(recorder.completed(), 2u);
  EXPECT_EQ(recorder.measured(), 200_ps);
}

TEST_F(OperationsTest, TimeThatIsNotBookedIsRefused) {
  OperationRecorder recorder({at(0), at(1000)});
  const OperationId fork = recorder.register_operation("fork");
  Ledger ledger(at(0));
  EXPECT_THROW(OperationRecorder::begin(ledger, at(1)), std::logic_error);
  const OperationStart start = OperationRecorder::begin(ledger, at(0));
  ledger.book(Account::work, at(10));
  EXPECT_THROW(recorder.end(fork, start, ledger, at(11)), std::logic_error);
  ledger.reset(at(5));
  ledger.book(Account::work, at(10));
  EXPECT_THROW(recorder.end(fork, start, ledger, at(10)), std::logic_error);
}

TEST_F(OperationsTest, AnOperationRegisteredTwiceIsOne) {
  OperationRecorder recorder({});
  EXPECT_EQ(recorder.register_operation("fork"), recorder.register_operation("fork"));
  EXPECT_EQ(recorder.results().size(), 1u);
}

} // namespace
} // namespace mmsim::record_test
