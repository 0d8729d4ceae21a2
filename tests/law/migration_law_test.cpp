// What do tasks leave behind on the cores that they have left, and who pays for it?

#include "tests/support/points.hpp"

#include <gtest/gtest.h>

namespace mmsim::tests::migration_law_test {
namespace {

// Eight users that begin on four CPUs, and sleep between their rounds.
PointResult munmaps(const std::string& policy, const std::vector<std::string>& settings) {
  const PointResult result =
      point(std::vector<std::string>{"scenario.name=munmap", "scenario.pages=1", "scenario.threads_per_cpu=2",
                                     "scenario.sleep=10 us", "run.cpus=4", "run.duration=2 ms",
                                     "kernel.wake_placement=idle", "kernel.tlb_flush=" + policy} +
            settings);
  EXPECT_EQ(result.status, PointStatus::done) << result.message;
  return result;
}
// Cores that a munmap interrupts.
double interrupted(const PointResult& result) {
  EXPECT_EQ(result.operations.at(2).name, "munmap");
  return static_cast<double>(result.counters[Counter::nr_tlb_remote_flush_received]) /
         static_cast<double>(result.operations.at(2).latency.count());
}
double by_processes(const std::string& policy, const char* bound, const char* asid_bits) {
  return interrupted(munmaps(policy, {"scenario.mode=processes", bound, asid_bits}));
}

constexpr const char *bound = "scenario.bound=true", *free_to_move = "scenario.bound=false",
                     *without_ids = "kernel.asid_bits=0", *with_ids = "kernel.asid_bits=16";

TEST(Migration, OfProcessesWithOneThreadIsWhatMakesAnybodyInterruptAnother) {
  for (const char* policy : {"eager", "lazy", "leave_mm"})
    for (const char* ids : {without_ids, with_ids})
      EXPECT_EQ(by_processes(policy, bound, ids), 0) << policy << " " << ids;
}

// No other core runs the process, ever: all that are interrupted are stale bits. With ids a bit stays until they roll
// over, so that in the end nearly every munmap interrupts all others; without, whoever comes after clears it.
TEST(Migration, LetsEagerInterruptCoresThatTheProcessHasLeft) {
  EXPECT_EQ(by_processes("eager", free_to_move, without_ids), 0);
  EXPECT_GT(by_processes("eager", free_to_move, with_ids), 1.5);
}

TEST(Migration, LetsLazyInterruptHardlyAnybodySinceItClearsBits) {
  EXPECT_LT(by_processes("lazy", free_to_move, with_ids), 0.1);
}

// Of eight threads that mostly sleep fewer run than there are cores. eager interrupts all the cores that they have left
// behind, which are idle on their tables, at every munmap, leave_mm each of them once.
TEST(Migration, LetsLeaveMmInterruptFewerCoresThatSleepersHaveLeft) {
  for (const char* ids : {without_ids, with_ids}) {
    const auto by_threads = [&](const char* policy) {
      return interrupted(
          munmaps(policy, {"scenario.mode=threads", "scenario.sleep=50 us", free_to_move, ids}));
    };
    const double by_eager = by_threads("eager");
    EXPECT_GT(by_eager, 2.8) << ids;
    EXPECT_LT(by_threads("leave_mm"), 0.7 * by_eager) << ids;
  }
}

TEST(Migration, ByLoadBalancingAndByWakeUpsIsCounted) {
  const auto threads = [](const char* binding, const char* placement) {
    return munmaps("eager", {"scenario.mode=threads", binding, placement}).whole_run;
  };
  const Counters::Snapshot stay = threads(bound, "kernel.wake_placement=idle"),
                           pulled = threads(free_to_move, "kernel.wake_placement=previous"),
                           placed = threads(free_to_move, "kernel.wake_placement=idle");
  EXPECT_EQ(stay[Counter::cpu_migrations], 0u);
  EXPECT_GT(pulled[Counter::lb_gained], 0u);
  EXPECT_EQ(pulled[Counter::cpu_migrations], pulled[Counter::lb_gained]);
  EXPECT_GT(placed[Counter::cpu_migrations], placed[Counter::lb_gained]);
}

TEST(Migration, OfBystandersMovesInterruptsToo) {
  const auto flips = [](const char* binding) {
    return point({"scenario.name=mprotect", "scenario.threads_per_cpu=2", "scenario.sleep=10 us",
                  "run.cpus=4", "kernel.wake_placement=idle", "kernel.tlb_flush=lazy", binding});
  };
  const PointResult stay = flips(bound), move = flips(free_to_move);
  ASSERT_EQ(stay.status, PointStatus::done) << stay.message;
  ASSERT_EQ(move.status, PointStatus::done) << move.message;
  EXPECT_EQ(stay.whole_run[Counter::cpu_migrations], 0u);
  EXPECT_GT(move.whole_run[Counter::cpu_migrations], 0u);
}

} // namespace
} // namespace mmsim::tests::migration_law_test
