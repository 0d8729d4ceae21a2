// What hot pages are worth: per-CPU lists give a core back what it has just freed, the buddy system alone does not
// have to. Between hot_cold and merged there is next to nothing to gain, which is why 2.6.25 merged them.
#include "tests/support/points.hpp"

#include <gtest/gtest.h>

namespace mmsim::tests {
namespace {

const std::vector<std::string> four_cpus{"machine.base=neoverse-n1-80", "kernel.base=5.10", "run.cpus=4",
                                         "kernel.pcp_batch=31", "kernel.pcp_high=186"};

double mean_ns(const PointResult& result, const std::string& operation) {
  for (const OperationResult& o : result.operations)
    if (o.name == operation) return nanoseconds(o.latency.sum()) / static_cast<double>(o.latency.count());
  throw std::runtime_error("no " + operation);
}

// Time per page that is allocated, cleared and freed again.
double allocator_ns(const std::string& pcp, const std::vector<std::string>& load) {
  const PointResult result =
      point(four_cpus + std::vector<std::string>{"scenario.name=allocator", "kernel.pcp=" + pcp} + load);
  return mean_ns(result, "alloc") + mean_ns(result, "free");
}

double fault_ns(const std::string& pcp, const std::string& pages) {
  return mean_ns(point(four_cpus + std::vector<std::string>{"scenario.name=page_fault", "kernel.pcp=" + pcp,
                                                            "scenario.pages=" + pages}),
                 "demand_fault");
}

TEST(HotPagesLaw, TwoListsOrOneMakeNoDifferenceToChurnAndBothGainOverNone) {
  // Bursts of what a compiler's process does: pages are cleared, used for a while and freed.
  const std::vector<std::string> churn{"scenario.touch=zero", "scenario.burst=24", "scenario.think=5 us",
                                       "scenario.hold=2 us"};
  const double none = allocator_ns("none", churn), two = allocator_ns("hot_cold", churn),
               one = allocator_ns("merged", churn);
  EXPECT_NEAR(two / one, 1.0, 0.03) << "hot_cold " << two << " ns, merged " << one << " ns";
  EXPECT_LT(two, 0.7 * none) << none << " ns without lists";
  EXPECT_LT(one, 0.7 * none) << none << " ns without lists";
}

TEST(HotPagesLaw, FaultsOnFewPagesGainFromListsAndNotFromHavingTwo) {
  const double none = fault_ns("none", "32"), two = fault_ns("hot_cold", "32"),
               one = fault_ns("merged", "32");
  EXPECT_NEAR(two / one, 1.0, 0.03) << "hot_cold " << two << " ns, merged " << one << " ns";
  EXPECT_LT(one, 0.95 * none) << none << " ns without lists";
}

TEST(HotPagesLaw, APageThatIsReusedWhileHotIsClearedAtTheCachesSpeed) {
  const auto cleared_ns = [](const std::string& burst) {
    const PointResult result =
        point(four_cpus + std::vector<std::string>{"scenario.name=allocator", "scenario.touch=zero",
                                                   "machine.cache.size=512 KiB", "scenario.burst=" + burst});
    for (const OperationResult& o : result.operations)
      if (o.name == "alloc")
        return nanoseconds(o.accounts[index(Account::page_zero)]) / static_cast<double>(o.latency.count());
    return 0.0;
  };
  EXPECT_NEAR(cleared_ns("32"), 65.0, 2.0) << "machine.page.zero_hot: 32 pages of a cache of 128 go round";
  EXPECT_NEAR(cleared_ns("400"), 260.0, 13.0) << "machine.page.zero: 400 do not fit";
}

} // namespace
} // namespace mmsim::tests
