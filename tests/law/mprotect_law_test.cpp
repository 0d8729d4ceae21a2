// What do threads lose that never touch the pages whose protection another one flips?

#include "tests/support/points.hpp"

#include <gtest/gtest.h>

namespace mmsim::tests {
namespace {

PointResult flips(const std::string& policy, int cpus) {
  return point({"machine.base=neoverse-n1-80", "kernel.base=5.10", "kernel.tlb_flush=" + policy,
                "scenario.name=mprotect", "scenario.pages=4", "run.cpus=" + std::to_string(cpus)});
}

const OperationResult& operation(const PointResult& result, const std::string& name) {
  for (const OperationResult& one : result.operations)
    if (one.name == name) return one;
  throw std::logic_error("no operation " + name);
}

double mean_ns(const PointResult& result, const std::string& name) {
  const Histogram& latency = operation(result, name).latency;
  return nanoseconds(latency.sum()) / static_cast<double>(latency.count());
}

double mean_ns(const PointResult& result, const std::string& name, Account account) {
  const OperationResult& one = operation(result, name);
  return nanoseconds(one.accounts[static_cast<std::size_t>(account)]) /
         static_cast<double>(one.latency.count());
}

TEST(Mprotect, InterruptsBystandersOrStallsThem) {
  const PointResult eager = flips("eager", 8), broadcast = flips("broadcast", 8);
  // 10 us of user code meet two or three flips.
  EXPECT_GT(mean_ns(eager, "bystander", Account::interrupt), 500);
  EXPECT_LT(mean_ns(broadcast, "bystander", Account::interrupt), 100); // ticks
  EXPECT_GT(mean_ns(broadcast, "bystander", Account::tlb_local), 50);
  EXPECT_LT(mean_ns(broadcast, "bystander"), mean_ns(eager, "bystander"));
  EXPECT_EQ(broadcast.counters[Counter::ipi_requested], 0u);
}

TEST(Mprotect, GrowsWithTheThreadsThatItInterruptsAndNotWithThoseThatHearABroadcast) {
  EXPECT_GT(mean_ns(flips("eager", 32), "mprotect"), 3 * mean_ns(flips("eager", 4), "mprotect"));
  EXPECT_LT(mean_ns(flips("broadcast", 32), "mprotect"), 1.2 * mean_ns(flips("broadcast", 4), "mprotect"));
}

} // namespace
} // namespace mmsim::tests
