// What is left of a page in a core's private cache: closed forms of machine.cache.size.
#include "tests/support/test_machine.hpp"

#include <gtest/gtest.h>

namespace mmsim::core_cache_test {
namespace {

using namespace tests;
using namespace std::chrono_literals;

constexpr CoreId here{0}, next_door{1}, other_die{4}, far_away{8};

TEST(CoreCache, APageThatNobodyHasTouchedIsNowhere) {
  TestMachine m(small_machine());
  CoreCaches& caches = m.machine.caches();
  EXPECT_EQ(caches.resident(here, CacheStamp{}), 0u);
  EXPECT_FALSE(caches.holder(CacheStamp{}));
  EXPECT_EQ(caches.line_cost(here, CacheStamp{}), 95ns);
}

TEST(CoreCache, EachPageBroughtInPushesOneCapacitysShareOfAnOlderOneOut) {
  TestMachine m(small_machine({{"machine.cache.size", "64 KiB"}})); // 16 pages
  CoreCaches& caches = m.machine.caches();
  const CacheStamp stamp = caches.touch(here);
  for (std::uint32_t newer = 0; newer <= 20; ++newer) {
    EXPECT_EQ(caches.resident(here, stamp), newer < 16 ? 4096 - newer * 4096 / 16 : 0)
        << newer << " pages later";
    EXPECT_EQ(caches.holder(stamp).has_value(), newer < 16);
    caches.touch(here);
  }
}

TEST(CoreCache, ASizeThatIsNoPowerOfTwoIsRoundedToLessThanAByteAPage) {
  TestMachine m(small_machine({{"machine.cache.size", "1200 KiB"}})); // 300 pages
  CoreCaches& caches = m.machine.caches();
  const CacheStamp stamp = caches.touch(here);
  for (std::uint32_t newer = 0; newer < 300; ++newer) {
    EXPECT_NEAR(caches.resident(here, stamp), 4096.0 * (300 - newer) / 300, 1.0) << newer << " pages later";
    caches.touch(here);
  }
  EXPECT_LE(caches.resident(here, stamp), 1u);
}

TEST(CoreCache, APageIsTheLastTouchersOnly) {
  TestMachine m(small_machine());
  CoreCaches& caches = m.machine.caches();
  CacheStamp stamp = caches.touch(here);
  stamp = caches.touch(far_away, stamp);
  EXPECT_EQ(caches.resident(here, stamp), 0u);
  EXPECT_EQ(caches.resident(far_away, stamp), CoreCaches::whole);
  EXPECT_EQ(caches.holder(stamp)->core, far_away);
}

TEST(CoreCache, WhatOtherCoresBringInPushesNothingOut) {
  TestMachine m(small_machine({{"machine.cache.size", "64 KiB"}}));
  CoreCaches& caches = m.machine.caches();
  const CacheStamp stamp = caches.touch(here);
  for (int i = 0; i < 100; ++i)
    caches.touch(next_door);
  EXPECT_EQ(caches.resident(here, stamp), CoreCaches::whole);
}

TEST(CoreCache, WhatIsStillThereIsNotBroughtInAgain) {
  TestMachine m(small_machine({{"machine.cache.size", "64 KiB"}}));
  CoreCaches& caches = m.machine.caches();
  const CacheStamp witness = caches.touch(here);
  CacheStamp stamp = caches.touch(here);
  for (int i = 0; i < 100; ++i)
    stamp = caches.touch(here, stamp);
  EXPECT_EQ(caches.resident(here, witness), 4096u * 15 / 16) << "one other page, a hundred times";
}

TEST(CoreCache, PagesUsedInTurnStayIfTheyFitAndGoIfTheyDoNot) {
  TestMachine m(small_machine({{"machine.cache.size", "64 KiB"}}));
  CoreCaches& caches = m.machine.caches();
  const auto left_of_a_round_of = [&](std::size_t pages) {
    std::vector<CacheStamp> stamps(pages);
    for (int round = 0; round < 50; ++round)
      for (CacheStamp& stamp : stamps)
        stamp = caches.touch(here, stamp);
    return caches.resident(here, stamps.front());
  };
  EXPECT_EQ(left_of_a_round_of(12), CoreCaches::whole);
  EXPECT_EQ(left_of_a_round_of(24), 0u);
}

TEST(CoreCache, ALineCostsWhatItsHolderAndTheDistanceSay) {
  TestMachine m(small_machine({{"machine.cache.size", "64 KiB"}}));
  CoreCaches& caches = m.machine.caches();
  const CacheStamp stamp = caches.touch(here);
  EXPECT_EQ(caches.line_cost(here, stamp), 0ns);
  EXPECT_EQ(caches.line_cost(next_door, stamp), 25ns + 10ns);
  EXPECT_EQ(caches.line_cost(other_die, stamp), 25ns + 55ns);
  EXPECT_EQ(caches.line_cost(far_away, stamp), 25ns + 151ns);
  for (int i = 0; i < 4; ++i)
    caches.touch(here); // a quarter of it has gone
  EXPECT_EQ(caches.line_cost(here, stamp), 95ns / 4.0);
  EXPECT_EQ(caches.line_cost(far_away, stamp), (3 * (25ns + 151ns) + 95ns) / 4.0);
  for (int i = 0; i < 12; ++i)
    caches.touch(here);
  EXPECT_EQ(caches.line_cost(far_away, stamp), 95ns);
}

TEST(CoreCache, ACacheSmallerThanAPageHoldsNone) {
  TestMachine m(small_machine({{"machine.cache.size", "4095 B"}}));
  CoreCaches& caches = m.machine.caches();
  EXPECT_EQ(caches.resident(here, caches.touch(here)), 0u);
}

TEST(CoreCache, ACoresClockWrapsAndOnlyPagesOfLongAgoLookFreshAgain) {
  TestMachine m(small_machine({{"machine.cache.size", "64 KiB"}}));
  CoreCaches& caches = m.machine.caches();
  for (std::uint32_t i = 0; i < (1U << 21) - 8; ++i)
    caches.touch(here);
  const CacheStamp before = caches.touch(here);
  for (int i = 0; i < 12; ++i)
    caches.touch(here); // the clock has passed zero
  EXPECT_EQ(caches.resident(here, before), 4096u * 4 / 16);
  for (int i = 0; i < 4; ++i)
    caches.touch(here);
  EXPECT_EQ(caches.resident(here, before), 0u);
}

} // namespace
} // namespace mmsim::core_cache_test
