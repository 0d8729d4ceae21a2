// What does counting lazy references cost where many cores switch in and out of one address space?
//
// N. Piggin's patch for powerpc64 (Linux 6.4, "powerpc/64s: enable MMU_LAZY_TLB_SHOOTDOWN") tells of 192
// cores: 1 million context switches a second counted, 118 million shot down.

#include "tests/support/points.hpp"

#include <gtest/gtest.h>

namespace mmsim::tests::lazy_ref_law_test {
namespace {

// Million context switches a second, all cores together.
double switch_rate(int cpus, const std::string& lazy_ref) {
  const PointResult result =
      point({"scenario.name=lazy_tlb", "scenario.pages=1", "scenario.working_set=2",
             "scenario.user_burst=1 us", "scenario.kernel_burst=1 us", "machine.base=kunpeng920-128",
             "machine.sockets=3", "kernel.base=5.10", "kernel.lazy_ref=" + lazy_ref, "run.warmup=50 us",
             "run.duration=200 us", "run.cpus=" + std::to_string(cpus)});
  EXPECT_EQ(result.status, PointStatus::done) << result.message;
  const double seconds = static_cast<double>(result.measured.count()) * 1e-12;
  return static_cast<double>(result.counters[Counter::context_switch]) / seconds / 1e6;
}

TEST(SwitchRate, On192CoresFlattensWithCountedLazyReferencesAndScalesWithShootdown) {
  const double counted_1 = switch_rate(1, "counted"), counted_48 = switch_rate(48, "counted"),
               counted_192 = switch_rate(192, "counted");
  const double shot_1 = switch_rate(1, "shootdown"), shot_48 = switch_rate(48, "shootdown"),
               shot_192 = switch_rate(192, "shootdown");
  EXPECT_LT(counted_192, 1.5 * counted_48); // four times the cores
  EXPECT_LT(counted_192, 0.25 * 192 * counted_1);
  EXPECT_GT(shot_48, 0.8 * 48 * shot_1);
  EXPECT_GT(shot_192, 0.8 * 192 * shot_1);
  EXPECT_GT(shot_192, 5 * counted_192);
}

} // namespace
} // namespace mmsim::tests::lazy_ref_law_test
