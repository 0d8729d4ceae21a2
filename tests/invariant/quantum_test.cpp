// Work under a lock is charged in bulk, up to run.quantum. A run that settles after every step must say the
// same.

#include "tests/support/points.hpp"

#include <gtest/gtest.h>

namespace mmsim::tests::quantum_test {
namespace {

class Quantum : public testing::TestWithParam<NamedScenario> {};

std::vector<std::string> settings(const NamedScenario& scenario, const char* cpus, const char* quantum) {
  return scenario.settings +
         std::vector<std::string>{std::string("run.cpus=") + cpus, std::string("run.quantum=") + quantum,
                                  "scenario.pages=48", "kernel.tlb_flush=lazy", "run.duration=2 ms"};
}

TEST_P(Quantum, OnOneCoreTheBulkChangesNoLatencyAtAll) {
  const PointResult bulk = point(settings(GetParam(), "1", "1 us"));
  const PointResult steps = point(settings(GetParam(), "1", "1 ps"));
  ASSERT_EQ(bulk.operations.size(), steps.operations.size());
  EXPECT_LT(bulk.events, steps.events); // or nothing was compared
  for (std::size_t i = 0; i < bulk.operations.size(); ++i) {
    EXPECT_EQ(bulk.operations[i].latency.sum(), steps.operations[i].latency.sum()) << bulk.operations[i].name;
    EXPECT_EQ(bulk.operations[i].accounts, steps.operations[i].accounts) << bulk.operations[i].name;
  }
}

TEST_P(Quantum, OnFourCoresItChangesMeansByLessThanTwoPercent) {
  const PointResult bulk = point(settings(GetParam(), "4", "1 us"));
  const PointResult steps = point(settings(GetParam(), "4", "1 ps"));
  ASSERT_EQ(bulk.operations.size(), steps.operations.size());
  for (std::size_t i = 0; i < bulk.operations.size(); ++i) {
    const auto mean = [](const OperationResult& operation) {
      return static_cast<double>(operation.latency.sum().count()) /
             static_cast<double>(operation.latency.count());
    };
    EXPECT_NEAR(mean(bulk.operations[i]) / mean(steps.operations[i]), 1.0, 0.02) << bulk.operations[i].name;
  }
}

/// Those that walk over page tables under a lock. The others have no loop that is charged in bulk.
std::vector<NamedScenario> with_pages() {
  std::vector<NamedScenario> some = scenarios;
  std::erase_if(some, [](const NamedScenario& scenario) {
    return scenario.name == "lock" || scenario.name == "allocator" || scenario.name == "context_switch" ||
           scenario.name == "ipi_storm" ||
           scenario.name ==
               "reclaim"; // what is reclaimed when hangs on each instant: its means are no function of bulk
  });
  return some;
}

INSTANTIATE_TEST_SUITE_P(Scenarios, Quantum, testing::ValuesIn(with_pages()),
                         [](const auto& info) { return info.param.name; });

} // namespace
} // namespace mmsim::tests::quantum_test
