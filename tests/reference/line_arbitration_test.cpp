// machine.line.arbitration is one bit a machine that no point of 1 to 3 cores can tell, so it was chosen by
// reasoning (see the machine files): fifo on the E7-8870, nearest on the Xeon 8176. Here is what the other
// choice would have said of a point of each published series; the series themselves are
// stores_to_one_line.toml and atomic_increments.toml.
#include "tests/support/points.hpp"

#include <cmath>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace mmsim::line_arbitration_test {
namespace {

using namespace tests;

struct PublishedPoint {
  std::string machine, kind, think;
  int overtakes, cpus;
  double interval_ns;
};

double error_with(const std::string& arbitration, const PublishedPoint& published) {
  const PointResult result =
      point({"machine.base=" + published.machine, "machine.line.arbitration=" + arbitration,
             "machine.line.overtakes=" + std::to_string(published.overtakes), "kernel.base=5.10",
             "scenario.name=lock", "scenario.kind=" + published.kind, "scenario.think=" + published.think,
             "scenario.hold=0 ns", "scenario.distribution=constant",
             "run.cpus=" + std::to_string(published.cpus), "run.warmup=500 us", "run.duration=1 ms"});
  EXPECT_EQ(result.status, PointStatus::done) << result.message;
  const double interval_ns = published.cpus * static_cast<double>(result.measured.count()) * 1e-3 /
                             static_cast<double>(result.operations.at(0).completed);
  return std::abs(interval_ns / published.interval_ns - 1);
}

TEST(LineArbitration, TheOtherChoiceIsTwiceAsWrongOnTheMachineWithoutADirectory) {
  const PublishedPoint stores{"e7-8870-8s", "line", "29 cycles", 10, 40, 10069 / 2.4}; // th-ww-ben, cycles
  EXPECT_LT(2 * error_with("fifo", stores), error_with("nearest", stores));
}

TEST(LineArbitration, TheOtherChoiceIsTwiceAsWrongOnTheMachineWhoseSocketsOrderTheirOwnRequests) {
  const PublishedPoint increments{"xeon-8176-8s", "atomic", "330 ps", 28, 128, 3766.3}; // pb-atomic-hps
  EXPECT_LT(2 * error_with("nearest", increments), error_with("fifo", increments));
}

} // namespace
} // namespace mmsim::line_arbitration_test
