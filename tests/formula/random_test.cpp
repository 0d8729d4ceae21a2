// Random streams: the same numbers on every machine, and streams that do not hang together.

#include "sim/engine/random.hpp"

#include <array>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <vector>

namespace mmsim::random_test {
namespace {

using namespace literals;
using testing::ElementsAre;

std::vector<std::uint64_t> first(std::size_t n, std::uint64_t seed, const char* name,
                                 std::uint64_t bound = 1'000'000) {
  RandomStream stream(seed, name);
  std::vector<std::uint64_t> drawn;
  for (std::size_t i = 0; i < n; ++i)
    drawn.push_back(stream.below(bound));
  return drawn;
}

// Golden: results published with a seed must come out again. If this changes, every published table changes.
TEST(RandomStream, GivesTheSameNumbersAsEver) {
  EXPECT_THAT(first(5, 1, "think time"), ElementsAre(806988, 303624, 9718, 212765, 678863));
  EXPECT_THAT(first(5, 2, "think time"), ElementsAre(550815, 176817, 108085, 933717, 953479));
  RandomStream stream(7, "phase");
  EXPECT_EQ(stream.below(1_ms), 406129310_ps);
  EXPECT_EQ(stream.exponential(1_us), 2304961_ps);
  EXPECT_EQ(stream.exponential(1_us), 192739_ps);
}

TEST(RandomStream, NamesAndSeedsAreIndependentStreams) {
  const auto reference = first(1000, 1, "a");
  for (const auto& other : {first(1000, 1, "b"), first(1000, 2, "a"), first(1000, 1, "aa"),
                            first(1000, 0, "a"), first(1000, 1, "")}) {
    std::size_t equal = 0;
    for (std::size_t i = 0; i < other.size(); ++i)
      equal += other[i] == reference[i];
    EXPECT_LE(equal, 3u); // 0.001 expected
  }
}

TEST(RandomStream, ADrawFromOneStreamChangesNothingInAnother) {
  RandomStream a(1, "a"), b(1, "b");
  std::vector<std::uint64_t> drawn;
  for (int i = 0; i < 5; ++i) {
    drawn.push_back(a.below(1'000'000));
    for (int k = 0; k < i; ++k)
      (void)b.below(17);
  }
  EXPECT_EQ(drawn, first(5, 1, "a"));
}

TEST(RandomStream, StaysBelowTheBoundAndReachesEveryValue) {
  RandomStream stream(3, "small");
  std::array<int, 5> seen{};
  for (int i = 0; i < 5000; ++i)
    ++seen.at(stream.below(5));
  for (const int count : seen)
    EXPECT_NEAR(count, 1000, 150); // five standard deviations
  EXPECT_EQ(stream.below(1), 0u);
  EXPECT_EQ(stream.below(Duration{}), Duration{});
}

TEST(RandomStream, ExponentialTimesHaveTheirMean) {
  RandomStream stream(3, "arrivals");
  Duration sum{};
  for (int i = 0; i < 100'000; ++i)
    sum += stream.exponential(1_us);
  EXPECT_NEAR(nanoseconds(sum) / 100'000, 1000, 16); // five standard deviations of the mean
}

} // namespace
} // namespace mmsim::random_test
