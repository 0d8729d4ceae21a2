// How long is a spinlock on its way from one owner to the next, as a function of how many wait?

#include "tests/support/child.hpp"
#include "tests/support/locks_world.hpp"

#include <gtest/gtest.h>

namespace mmsim::tests::hand_over_law_test {
namespace {

using namespace literals;

struct Law {
  Duration period, share;
};
/// Mean time from one acquisition to the next among cores of one cluster that hardly think.
constexpr Duration hold = 20_ns; // shorter than the waiters' loads take
Law saturated(const std::string& kind, std::int64_t cores) {
  const auto numbers = in_child([&] {
    LocksWorld world(kind, 1, cores);
    const auto lock = world.locks.make("test_lock");
    constexpr int rounds = 200;
    for (std::uint32_t i = 0; i < cores; ++i)
      world.on(i, [&](Core& core) {
        for (int n = 0; n < rounds; ++n) {
          lock->lock(core);
          core.charge(hold, Account::work);
          lock->unlock(core);
          core.charge(100_ns, Account::work);
        }
      });
    world.engine.run();
    return std::vector<std::int64_t>{world.engine.now().time_since_epoch().count() / (rounds * cores),
                                     world.machine.costs().line.share.count()};
  });
  return {Duration(numbers[0]), Duration(numbers[1])};
}

TEST(HandOver, OfATicketLockTakesAShareOfTheLineForEachThatWaits) {
  const Law of_16 = saturated("ticket", 16);
  for (const std::int64_t cores : {32, 48, 64}) {
    const Law law = saturated("ticket", cores);
    const auto slope =
        static_cast<double>((law.period - of_16.period).count()) / static_cast<double>(cores - 16);
    EXPECT_NEAR(slope / static_cast<double>(law.share.count()), 1, 0.03) << cores;
  }
}

TEST(HandOver, OfAQueuedLockTakesTheSameHoweverManyWait) {
  const Law of_8 = saturated("queued", 8);
  for (const std::int64_t cores : {16, 32, 64})
    EXPECT_NEAR(static_cast<double>(saturated("queued", cores).period.count()) /
                    static_cast<double>(of_8.period.count()),
                1, 0.01)
        << cores;
}

} // namespace
} // namespace mmsim::tests::hand_over_law_test
