// How many interrupts are n CPUs that broadcast at a given rate? n * (n - 1) * rate a second.

#include "tests/support/points.hpp"

#include <gtest/gtest.h>

namespace mmsim::tests::ipi_storm_test {
namespace {

PointResult storm(std::uint32_t cpus, std::int64_t rate, const std::vector<std::string>& more = {}) {
  return point(std::vector<std::string>{"machine.base=kunpeng920-128", "kernel.base=5.10",
                                        "scenario.name=ipi_storm", "scenario.rate=" + std::to_string(rate),
                                        "run.warmup=1 ms", "run.cpus=" + std::to_string(cpus),
                                        "run.duration=1 s"} +
               more);
}

// Each instant of a period comes once in the window, and calls this rare do not meet.
TEST(IpiStorm, OfFourCpusAtTenASecondIs120InterruptsASecond) {
  const PointResult result = storm(4, 10);
  ASSERT_EQ(result.status, PointStatus::done) << result.message;
  EXPECT_EQ(result.counters[Counter::ipi_received], 4u * 3 * 10);
  EXPECT_EQ(result.counters[Counter::ipi_requested], 120u);
  EXPECT_EQ(result.counters[Counter::ipi_coalesced], 0u);
  EXPECT_EQ(result.operations.at(0).completed, 40u);
}

TEST(IpiStorm, Of128CpusAtTenASecondIs162560RequestsASecondOfWhichSomeCoalesce) {
  const PointResult result = storm(128, 10);
  ASSERT_EQ(result.status, PointStatus::done) << result.message;
  EXPECT_EQ(result.counters[Counter::ipi_requested], 128u * 127 * 10);
  EXPECT_EQ(result.counters[Counter::ipi_received] + result.counters[Counter::ipi_coalesced], 162'560u);
  EXPECT_GT(result.counters[Counter::ipi_coalesced], 0u);
  EXPECT_LT(result.counters[Counter::ipi_coalesced], 162'560u / 20);
}

TEST(IpiStorm, AccountsForEveryRequestOfTheWholeRun) {
  for (const std::string calls : {"per_cpu_queue", "single_lock"}) {
    const PointResult result = storm(16, 20'000, {"run.duration=2 ms", "kernel.cross_call=" + calls});
    ASSERT_EQ(result.status, PointStatus::done) << result.message;
    const Counters::Snapshot& run = result.whole_run;
    EXPECT_GT(run[Counter::ipi_received], 16u * 15) << calls;
    EXPECT_EQ(run[Counter::ipi_requested], run[Counter::ipi_received] + run[Counter::ipi_coalesced]) << calls;
  }
}

// A simulated second of idle cores has no ticks: events are those of the calls.
TEST(IpiStorm, CostsTheHostOnlyItsCalls) {
  const PointResult result = storm(128, 1);
  ASSERT_EQ(result.status, PointStatus::done) << result.message;
  EXPECT_LT(result.events, 128u * 127 * 1 * 40);
}

} // namespace
} // namespace mmsim::tests::ipi_storm_test
