// What do address-space ids gain, and up to which working set?

#include "tests/support/points.hpp"

#include <gtest/gtest.h>

namespace mmsim::tests::asid_law_test {
namespace {

/// The mean of a hand-over between two processes on one CPU, in ns.
double switch_ns(int working_set, int asid_bits, const std::vector<std::string>& more = {}) {
  const PointResult result =
      point(std::vector<std::string>{"scenario.name=context_switch", "run.cpus=1",
                                     "machine.base=neoverse-n1-80", "kernel.base=5.10", "run.duration=1 ms",
                                     "scenario.working_set=" + std::to_string(working_set),
                                     "kernel.asid_bits=" + std::to_string(asid_bits)} +
            more);
  EXPECT_EQ(result.status, PointStatus::done) << result.message;
  const OperationResult& one = result.operations.at(0);
  return static_cast<double>(one.latency.sum().count()) / 1e3 / static_cast<double>(one.latency.count());
}

TEST(Asids, GainMoreTheLargerTheWorkingSetUpToTheTlbsReach) {
  // 1280 entries, half of them for each of the two.
  double before = 0;
  for (const int pages : {0, 8, 64, 256, 512}) {
    const double gain = switch_ns(pages, 0) - switch_ns(pages, 16);
    EXPECT_GT(gain, before) << pages;
    before = gain;
  }
  const double beyond = switch_ns(2560, 0) - switch_ns(2560, 16);
  EXPECT_LT(beyond, before / 4) << "2560 pages of each push each other out";
}

TEST(Asids, OfEightBitsGainAsMuchAsOfSixteenWhileTheyLast) {
  for (const int pages : {8, 256})
    EXPECT_NEAR(switch_ns(pages, 8), switch_ns(pages, 16), 0.02 * switch_ns(pages, 16)) << pages;
}

TEST(Asids, OfEightBitsFlushWhereMoreProcessesThanIdsTakeTurns) {
  const auto flushes = [](int processes, int bits) {
    const PointResult result = point({"scenario.name=context_switch", "run.cpus=1", "scenario.working_set=2",
                                      "run.duration=3 ms", "scenario.processes=" + std::to_string(processes),
                                      "kernel.asid_bits=" + std::to_string(bits)});
    EXPECT_EQ(result.status, PointStatus::done) << result.message;
    return result.counters[Counter::tlb_flush_all];
  };
  EXPECT_EQ(flushes(200, 8), 0u);
  EXPECT_GT(flushes(300, 8), 0u);
  EXPECT_EQ(flushes(300, 16), 0u);
}

} // namespace
} // namespace mmsim::tests::asid_law_test
