// What hot pages are worth: per-CPU lists give a core back what it has just freed, the buddy system alone does not
// have to. Between hot_cold and merged there is next to nothing to gain, which is why 2.6.25 merged them.
#include "tests/support/points.hpp"

#include <gtest/gtest.h>

namespace mmsim::tests::hot_pages_law_test {
namespace {

const std::vector<std::string> four_cpus{"machine.base=neoverse-n1-80", "kernel.base=5.10", "run.cpus=4",
                                         "kernel.pcp_batch=31", "kernel.pcp_high=186"};

double mean_ns(const PointResult& result, const std::string& operation) {
  for (const OperationResult& o : result.operations)
    if (o.name == operation) return nanoseconds(o.latency.sum()) / static_cast<double>(o.latency.count());
  throw std::runtime_error("no " + operation);
}

// Time per page that is allocated, cleared and freed again; and of that, clearing.
struct PerPage {
  double all, clearing;
};
PerPage allocator_ns(const std::string& pcp, const std::vector<std::string>& load) {
  const PointResult result = point(
      four_cpus +
      std::vector<std::string>{"scenario.name=allocator", "scenario.touch=zero", "kernel.pcp=" + pcp} + load);
  PerPage ns{mean_ns(result, "alloc") + mean_ns(result, "free"), 0};
  for (const OperationResult& o : result.operations)
    if (o.name == "alloc")
      ns.clearing =
          nanoseconds(o.accounts[index(Account::page_zero)]) / static_cast<double>(o.latency.count());
  return ns;
}

double fault_ns(const std::string& pcp, const std::string& pages) {
  return mean_ns(point(four_cpus + std::vector<std::string>{"scenario.name=page_fault", "kernel.pcp=" + pcp,
                                                            "scenario.pages=" + pages}),
                 "demand_fault");
}

TEST(HotPagesLaw, TwoListsOrOneMakeNoDifferenceToChurnAndBothGainOverNone) {
  // Bursts of what a compiler's process does: pages are cleared, used for a while and freed. A fifth of them is cold,
  // as pages that are read ahead were. (Bursts that overflow the lists are not neutral: hot_cold holds a third more.)
  for (const char* burst : {"24", "100"}) {
    const std::vector<std::string> churn{"scenario.burst=" + std::string(burst), "scenario.cold=0.2",
                                         "scenario.think=5 us", "scenario.hold=2 us"};
    const PerPage none = allocator_ns("none", churn), two = allocator_ns("hot_cold", churn),
                  one = allocator_ns("merged", churn);
    EXPECT_NEAR(two.all / one.all, 1.0, 0.05)
        << burst << ": hot_cold " << two.all << " ns, merged " << one.all;
    for (const PerPage& lists : {one, two})
      EXPECT_LT(lists.all, 0.7 * none.all) << burst << ": " << none.all << " ns without lists";
    for (const PerPage& lists : {one, two})
      EXPECT_LT(lists.clearing, 0.5 * none.clearing)
          << burst << ": cores get each other's pages without lists";
  }
}

TEST(HotPagesLaw, FaultsOnFewPagesGainFromListsAndNotFromHavingTwo) {
  const double none = fault_ns("none", "32"), two = fault_ns("hot_cold", "32"),
               one = fault_ns("merged", "32");
  EXPECT_NEAR(two / one, 1.0, 0.03) << "hot_cold " << two << " ns, merged " << one << " ns";
  EXPECT_LT(one, 0.95 * none) << none << " ns without lists";
}

TEST(HotPagesLaw, APageThatIsReusedWhileHotIsClearedAtTheCachesSpeed) {
  const auto cleared_ns = [](const std::string& burst) {
    return allocator_ns("merged", {"machine.cache.size=512 KiB", "scenario.burst=" + burst}).clearing;
  };
  EXPECT_NEAR(cleared_ns("32"), 65.0, 2.0) << "machine.page.zero_hot: 32 pages of a cache of 128 go round";
  EXPECT_NEAR(cleared_ns("400"), 260.0, 13.0) << "machine.page.zero: 400 do not fit";
}

} // namespace
} // namespace mmsim::tests::hot_pages_law_test
