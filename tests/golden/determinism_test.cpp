// Does one seed give the same bytes: twice, and with running ahead switched off?

#include "tests/support/points.hpp"

#include <gtest/gtest.h>

namespace mmsim::tests {
namespace {

class Determinism : public testing::TestWithParam<std::tuple<NamedScenario, std::string>> {
 protected:
  std::vector<std::string> settings() const {
    return std::get<0>(GetParam()).settings +
           std::vector<std::string>{"run.cpus=4", "kernel.tlb_flush=" + std::get<1>(GetParam())};
  }
};

TEST_P(Determinism, OneSeedGivesTheSameBytesTwice) {
  EXPECT_EQ(point_json(settings()), point_json(settings()));
}

TEST_P(Determinism, RunningAheadLeavesNoTrace) {
  EXPECT_EQ(point_json(settings()), point_json(settings() + std::vector<std::string>{"run.run_ahead=false"}));
}

TEST_P(Determinism, RunningAheadLeavesNoTraceWhereTiesArePermuted) {
  const std::vector<std::string> permuted = settings() + std::vector<std::string>{"run.permute_ties=7"};
  EXPECT_EQ(point_json(permuted), point_json(permuted + std::vector<std::string>{"run.run_ahead=false"}));
}

TEST_P(Determinism, AnotherSeedGivesOtherBytes) {
  EXPECT_NE(point_json(settings()), point_json(settings() + std::vector<std::string>{"run.seed=2"}));
}

INSTANTIATE_TEST_SUITE_P(Scenarios, Determinism,
                         testing::Combine(testing::ValuesIn(scenarios),
                                          testing::Values("broadcast", "eager_all", "eager", "lazy")),
                         [](const auto& info) {
                           return std::get<0>(info.param).name + "_" + std::get<1>(info.param);
                         });

} // namespace
} // namespace mmsim::tests
