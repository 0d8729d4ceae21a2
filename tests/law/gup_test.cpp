// How do pinning and forking get on with each other as there are more forks?

#include "tests/support/points.hpp"

#include <gtest/gtest.h>

namespace mmsim::tests::gup_test {
namespace {

struct Measured {
  double duty; ///< the share of time in which fork is under way
  double slow; ///< the share of pinnings that went the slow way
  PointResult result;
};

Measured measure(std::vector<std::string> more) {
  Measured m{};
  m.result = point(std::vector<std::string>{"scenario.name=gup_fork", "machine.base=neoverse-n1-80",
                                            "kernel.base=5.10", "scenario.pages=256", "run.cpus=8",
                                            "run.duration=5 ms"} +
                   more);
  EXPECT_EQ(m.result.status, PointStatus::done) << m.result.message;
  const OperationResult& fork = m.result.operations.at(1);
  EXPECT_EQ(fork.name, "fork");
  m.duty = static_cast<double>(fork.latency.sum().count()) / static_cast<double>(m.result.measured.count());
  const double fast = static_cast<double>(m.result.counters[Counter::gup_fast]),
               slow = static_cast<double>(m.result.counters[Counter::gup_slow]);
  EXPECT_GT(fast + slow, 0);
  m.slow = slow / (fast + slow);
  return m;
}

TEST(GupFork, WithoutForksNoPinningIsSlow) {
  for (const char* access : {"read", "write"}) {
    const Measured m = measure({"scenario.think=1 s", std::string("scenario.access=") + access});
    EXPECT_EQ(m.result.operations.at(1).latency.count(), 0u);
    EXPECT_EQ(m.result.counters[Counter::gup_slow], 0u);
    EXPECT_EQ(m.result.counters[Counter::seq_retry], 0u);
    EXPECT_GT(m.result.counters[Counter::gup_fast], 1000u);
  }
}

TEST(GupFork, MorePinningsAreSlowTheMoreTimeIsSpentInForks) {
  for (const char* access : {"read", "write"})
    for (const int ties : {0, 1}) {
      double duty = 0, slow = 0;
      for (const char* think : {"500 us", "150 us", "50 us", "0 us"}) {
        const Measured m =
            measure({std::string("scenario.think=") + think, std::string("scenario.access=") + access,
                     "run.permute_ties=" + std::to_string(ties)});
        EXPECT_GT(m.duty, duty) << think;
        EXPECT_GT(m.slow, slow) << think << ", " << access << ", ties " << ties;
        duty = m.duty;
        slow = m.slow;
      }
    }
}

// A pinner meets a fork at most once: then it sleeps until the fork is done. So there are no more slow ones than
// forks times pinners.
TEST(GupFork, AForkSlowsEachPinnerForReadingDownAtMostOnce) {
  const Measured m = measure({"scenario.think=50 us"});
  const auto& run = m.result.whole_run;
  EXPECT_GT(run[Counter::gup_slow], 0u);
  EXPECT_LE(run[Counter::gup_slow], (m.result.operations.at(1).latency.count() + 10) * 7);
}

} // namespace
} // namespace mmsim::tests::gup_test
