// Does a trace change nothing, and is it the same each time?

#include "tests/support/points.hpp"
#include "tests/support/traced.hpp"

#include <gtest/gtest.h>

#include <functional>

namespace mmsim::tests::trace_test {
namespace {

class TracedScenario : public testing::TestWithParam<NamedScenario> {
 protected:
  std::vector<std::string> settings() const {
    return std::vector<std::string>{"run.warmup=50 us", "run.duration=500 us", "machine.memory=256 MiB",
                                    "run.cpus=4", "kernel.tlb_flush=eager"} +
           GetParam().settings;
  }
  /// The result, and a hash of the trace behind it.
  std::string traced() const {
    return text_in_child([this] {
      const TracedRun run = traced_run(settings());
      return to_json(run.result) + '\n' + std::to_string(std::hash<std::string>()(run.text)) + ' ' +
             std::to_string(run.text.size());
    });
  }
};

TEST_P(TracedScenario, HasTheSameTablesAsOneWithoutATrace) {
  const std::string with = traced();
  EXPECT_EQ(with.substr(0, with.find('\n') + 1), text_in_child([this] {
              PointResult result = run_point(load_configuration({}, settings()));
              result.host_seconds = 0;
              return to_json(result);
            }));
}

TEST_P(TracedScenario, HasTheSameTraceTwice) { EXPECT_EQ(traced(), traced()); }

INSTANTIATE_TEST_SUITE_P(Scenarios, TracedScenario, testing::ValuesIn(scenarios),
                         [](const auto& info) { return info.param.name; });

} // namespace
} // namespace mmsim::tests::trace_test
