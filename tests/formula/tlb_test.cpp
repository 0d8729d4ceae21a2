// The TLB: geometry, ids, eras, the walk cache, and a slow model that really erases what is invalidated.

#include "sim/machine/tlb.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <vector>

namespace mmsim::tlb_test {
namespace {

constexpr TlbCosts geometry(std::int64_t l1, std::int64_t l1_ways, std::int64_t l2, std::int64_t l2_ways,
                            std::int64_t walks = 4) {
  TlbCosts costs{};
  costs.l1_entries = l1;
  costs.l1_ways = l1_ways;
  costs.l2_entries = l2;
  costs.l2_ways = l2_ways;
  costs.walk_cache_entries = walks;
  return costs;
}
const std::uint64_t word = 42;
Tlb::Translation to(std::uint64_t frame) { return {frame, &word}; }
PageNumber page(std::uint64_t n) { return PageNumber(n); }

// The level that holds the page, without moving it: 1, 2 or 0.
int level(Tlb& tlb, std::uint64_t n) {
  switch (tlb.look_up(page(n)).level) {
  case Tlb::Level::first:
    return 1;
  case Tlb::Level::second:
    return 2;
  case Tlb::Level::miss:
    break;
  }
  return 0;
}

TEST(Tlb, KeepsWhatWasInsertedAndOnlyThat) {
  Tlb tlb(geometry(4, 4, 16, 4));
  tlb.use(Asid(1));
  EXPECT_EQ(tlb.look_up(page(7)).translation, nullptr);
  tlb.insert(page(7), to(99));
  EXPECT_EQ(tlb.look_up(page(7)).translation->word, 99u);
  EXPECT_EQ(level(tlb, 7), 1);
  EXPECT_EQ(level(tlb, 8), 0);
  EXPECT_EQ(level(tlb, 7 + (std::uint64_t{1} << 35)), 0);
  tlb.insert(page(7), to(100)); // replaces, and takes no second way
  EXPECT_EQ(tlb.look_up(page(7)).translation->word, 100u);
}

TEST(Tlb, AFullFirstLevelLeavesTheSecond) {
  Tlb tlb(geometry(4, 4, 16, 4));
  tlb.use(Asid(1));
  for (std::uint64_t n = 0; n < 5; ++n)
    tlb.insert(page(n), to(n));
  EXPECT_EQ(level(tlb, 0), 2); // round robin: the first went first, and comes back in place of page 1
  EXPECT_EQ(level(tlb, 0), 1);
  EXPECT_EQ(level(tlb, 1), 2);
  EXPECT_EQ(level(tlb, 4), 1);
}

TEST(Tlb, SetsAreChosenByThePagesLowBitsAndWaysAreTheirDepth) {
  Tlb tlb(geometry(1, 1, 16, 2)); // 8 sets of 2
  tlb.use(Asid(1));
  for (const std::uint64_t n : {0u, 8u, 3u, 16u}) // three of one set, one of another
    tlb.insert(page(n), to(n));
  EXPECT_EQ(level(tlb, 0), 0);
  EXPECT_EQ(level(tlb, 8), 2);
  EXPECT_EQ(level(tlb, 3), 2);
  EXPECT_EQ(level(tlb, 16), 2);
}

TEST(Tlb, EntriesBelongToTheIdTheyWereMadeUnder) {
  Tlb tlb(geometry(8, 8, 32, 4));
  tlb.use(Asid(1));
  tlb.insert(page(5), to(51));
  tlb.use(Asid(2));
  EXPECT_EQ(level(tlb, 5), 0);
  tlb.insert(page(5), to(52));
  tlb.use(Asid(1));
  EXPECT_EQ(tlb.look_up(page(5)).translation->word, 51u);
  tlb.use(Asid(65535));
  EXPECT_EQ(level(tlb, 5), 0);
  tlb.use(Asid(0));
  EXPECT_EQ(level(tlb, 5), 0);
}

TEST(Tlb, InvalidatingAPageDropsItInBothLevelsAndTellsWhetherItWasThere) {
  Tlb tlb(geometry(1, 1, 16, 4));
  tlb.use(Asid(1));
  tlb.insert(page(5), to(5));
  tlb.insert(page(6), to(6));
  tlb.use(Asid(2)); // under another id
  EXPECT_FALSE(tlb.invalidate_page(Asid(2), page(5)));
  EXPECT_TRUE(tlb.invalidate_page(Asid(1), page(5)));
  EXPECT_TRUE(tlb.invalidate_page(Asid(1), page(6)));
  EXPECT_FALSE(tlb.invalidate_page(Asid(1), page(6)));
  tlb.use(Asid(1));
  EXPECT_EQ(level(tlb, 5), 0);
  EXPECT_EQ(level(tlb, 6), 0);
}

TEST(Tlb, InvalidatingAnIdDropsItsEntriesAlone) {
  Tlb tlb(geometry(8, 8, 32, 4));
  for (const std::uint32_t id : {1u, 2u}) {
    tlb.use(Asid(id));
    tlb.insert(page(5), to(id));
  }
  tlb.invalidate_asid(Asid(1)); // not the one in use
  EXPECT_EQ(level(tlb, 5), 1);
  tlb.use(Asid(1));
  EXPECT_EQ(level(tlb, 5), 0);
  tlb.insert(page(5), to(3));
  tlb.invalidate_asid(Asid(1)); // the one in use
  EXPECT_EQ(level(tlb, 5), 0);
}

TEST(Tlb, AnIdInvalidated3000TimesNeverSeesAnEntryOfAnEarlierEra) {
  Tlb tlb(geometry(64, 64, 256, 4));
  tlb.use(Asid(2));
  tlb.insert(page(1'000'062), to(7)); // another id's entry outlives it all
  for (int era = 0; era < 3 * 3000; ++era) {
    tlb.use(Asid(1));
    const auto n = static_cast<std::uint64_t>(era % 61);
    ASSERT_EQ(level(tlb, n), 0) << "era " << era;
    ASSERT_EQ(tlb.walk_cached(page(n << 9)), nullptr);
    tlb.insert(page(n), to(n));
    tlb.remember_walk(page(n << 9), to(n));
    ASSERT_EQ(level(tlb, n), 1);
    ASSERT_NE(tlb.walk_cached(page(n << 9)), nullptr);
    ASSERT_TRUE(tlb.may_walk(n));
    tlb.invalidate_asid(Asid(1));
    ASSERT_FALSE(tlb.may_walk(n));
  }
  tlb.use(Asid(2));
  EXPECT_NE(level(tlb, 1'000'062), 0);
}

TEST(Tlb, AnEntryThatNothingDisplacedIsStillGoneWhenErasComeRound) {
  Tlb tlb(geometry(64, 64, 256, 4));
  tlb.use(Asid(1));
  tlb.insert(page(3), to(3));
  for (int era = 1; era <= 3000; ++era) {
    tlb.invalidate_asid(Asid(1));
    ASSERT_EQ(level(tlb, 3), 0) << "era " << era;
  }
}

TEST(Tlb, InvalidatingAllDropsEveryId) {
  Tlb tlb(geometry(8, 8, 32, 4));
  for (const std::uint32_t id : {1u, 2u, 3u}) {
    tlb.use(Asid(id));
    tlb.insert(page(5), to(id));
    tlb.remember_walk(page(5), to(id));
  }
  tlb.invalidate_all();
  for (const std::uint32_t id : {1u, 2u, 3u}) {
    tlb.use(Asid(id));
    EXPECT_EQ(level(tlb, 5), 0);
    EXPECT_EQ(tlb.walk_cached(page(5)), nullptr);
  }
  tlb.insert(page(5), to(9));
  EXPECT_EQ(level(tlb, 5), 1);
}

TEST(Tlb, TheWalkCacheKnowsTwoMebibytesARegion) {
  Tlb tlb(geometry(8, 8, 32, 4));
  tlb.use(Asid(1));
  tlb.remember_walk(page(512), to(77));
  EXPECT_EQ(tlb.walk_cached(page(1023))->word, 77u);
  EXPECT_EQ(tlb.walk_cached(page(511)), nullptr);
  EXPECT_EQ(tlb.walk_cached(page(1024)), nullptr);
  EXPECT_EQ(tlb.walk_cached(page(512 + 4 * 512)), nullptr); // the same slot of four
  tlb.use(Asid(2));
  EXPECT_EQ(tlb.walk_cached(page(512)), nullptr);
  EXPECT_FALSE(tlb.may_walk(77)) << "nobody walks with an id that is not in use";
  tlb.use(Asid(1));
  EXPECT_TRUE(tlb.may_walk(77));
  EXPECT_FALSE(tlb.may_walk(78));
  tlb.use(Asid(2));
  EXPECT_TRUE(tlb.invalidate_page(Asid(1), page(700))); // any page of the region
  tlb.use(Asid(1));
  EXPECT_EQ(tlb.walk_cached(page(512)), nullptr);
  EXPECT_FALSE(tlb.may_walk(77));
}

TEST(Tlb, ARangeDropsItsPagesOfOneIdWhetherTheyAreMoreThanTheTlbHoldsOrNot) {
  for (const std::uint64_t pages : {2u, 8u, 100'000u}) {
    Tlb tlb(geometry(8, 8, 32, 4));
    const std::uint64_t last = 4 + pages;
    for (const std::uint32_t id : {1u, 2u}) {
      tlb.use(Asid(id));
      for (const std::uint64_t n : {std::uint64_t{4}, std::uint64_t{5}, last, last + 1})
        tlb.insert(page(n), to(n));
    }
    tlb.use(Asid(1));
    tlb.remember_walk(page(5), to(9));
    tlb.use(Asid(2));
    EXPECT_TRUE(tlb.invalidate_range(Asid(1), page(5), pages, true));
    EXPECT_FALSE(tlb.invalidate_range(Asid(1), page(5), pages, true));
    EXPECT_NE(level(tlb, 5), 0) << "another id";
    tlb.use(Asid(1));
    EXPECT_NE(level(tlb, 4), 0);
    EXPECT_EQ(level(tlb, 5), 0);
    EXPECT_EQ(level(tlb, last), 0);
    EXPECT_NE(level(tlb, last + 1), 0);
    EXPECT_NE(tlb.walk_cached(page(5)), nullptr);
    EXPECT_TRUE(tlb.invalidate_range(Asid(1), page(5), pages));
    EXPECT_EQ(tlb.walk_cached(page(5)), nullptr);
  }
}

TEST(Tlb, AGlobalEntryMatchesUnderEveryIdAndGoesOnlyWithItsPageOrEverything) {
  Tlb tlb(geometry(8, 8, 32, 4));
  tlb.use(Asid(1));
  tlb.insert_global(page(5), to(77));
  tlb.insert(page(5), to(1)); // the user's page of that number is another one
  for (const std::uint32_t id : {0u, 1u, 2u}) {
    tlb.use(Asid(id));
    ASSERT_NE(tlb.look_up_global(page(5)).translation, nullptr);
    EXPECT_EQ(tlb.look_up_global(page(5)).translation->word, 77u);
  }
  for (int era = 0; era < 3000; ++era)
    tlb.invalidate_asid(Asid(0));
  tlb.invalidate_asid(Asid(1));
  tlb.invalidate_page(Asid(0), page(5));
  tlb.invalidate_range(Asid(1), page(0), 100'000);
  EXPECT_NE(tlb.look_up_global(page(5)).translation, nullptr);
  EXPECT_TRUE(tlb.invalidate_global(page(4), 3));
  EXPECT_EQ(tlb.look_up_global(page(5)).translation, nullptr);
  tlb.insert_global(page(5), to(78));
  tlb.invalidate_all();
  EXPECT_EQ(tlb.look_up_global(page(5)).translation, nullptr);
}

// Sets of ways with round-robin replacement; invalidation erases.
class SlowTlb {
 public:
  explicit SlowTlb(const TlbCosts& c)
      : first_(make(c.l1_entries, c.l1_ways)), second_(make(c.l2_entries, c.l2_ways)) {}
  int look_up(std::uint32_t id, std::uint64_t n) {
    if (find(first_, id, n) != nullptr) return 1;
    if (const Way* way = find(second_, id, n)) {
      put(first_, {id, n, way->word});
      return 2;
    }
    return 0;
  }
  std::uint64_t word(std::uint32_t id, std::uint64_t n) { return find(first_, id, n)->word; }
  void insert(std::uint32_t id, std::uint64_t n, std::uint64_t w) {
    put(first_, {id, n, w});
    put(second_, {id, n, w});
  }
  template <class Matches>
  void erase(Matches matches) {
    for (auto* level : {&first_, &second_})
      for (auto& set : level->sets)
        for (auto& way : set.ways)
          if (way && matches(way->id, way->page)) way.reset();
  }

 private:
  struct Way {
    std::uint32_t id;
    std::uint64_t page, word;
  };
  struct Set {
    std::vector<std::optional<Way>> ways;
    std::size_t victim = 0;
  };
  struct Array {
    std::vector<Set> sets;
  };
  static Array make(std::int64_t entries, std::int64_t ways) {
    Array array;
    array.sets.resize(static_cast<std::size_t>(entries / ways));
    for (Set& set : array.sets)
      set.ways.resize(static_cast<std::size_t>(ways));
    return array;
  }
  static Way* find(Array& array, std::uint32_t id, std::uint64_t n) {
    for (auto& way : array.sets[n % array.sets.size()].ways)
      if (way && way->id == id && way->page == n) return &*way;
    return nullptr;
  }
  static void put(Array& array, Way entry) {
    if (Way* there = find(array, entry.id, entry.page)) {
      *there = entry;
      return;
    }
    Set& set = array.sets[entry.page % array.sets.size()];
    set.ways[set.victim] = entry;
    set.victim = (set.victim + 1) % set.ways.size();
  }
  Array first_, second_;
};

TEST(Tlb, ErasBehaveLikeErasingUnderRandomUse) {
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    std::mt19937_64 bits(seed);
    const TlbCosts costs = seed % 2 ? geometry(4, 2, 24, 3) : geometry(6, 6, 32, 4);
    Tlb tlb(costs);
    SlowTlb slow(costs);
    const std::uint32_t ids = 1 + static_cast<std::uint32_t>(seed % 4);
    const std::uint64_t pages = 8 << seed % 3;
    const std::uint64_t flush_every = seed % 5 == 0 ? 4 : 60; // often: eras come round within a seed
    std::uint32_t id = 0;
    const std::uint32_t global = 99; // in the slow model an id like others, which is never invalidated
    tlb.use(Asid(0));
    for (int step = 0; step < 40'000; ++step) {
      const std::uint64_t n = bits() % pages;
      const auto other = static_cast<std::uint32_t>(bits() % ids);
      if (bits() % flush_every == 0) {
        tlb.invalidate_asid(Asid(other));
        slow.erase([&](std::uint32_t i, std::uint64_t) { return i == other; });
      } else if (bits() % 5000 == 0) {
        tlb.invalidate_all();
        slow.erase([](std::uint32_t, std::uint64_t) { return true; });
      } else if (bits() % 10 == 0) {
        id = other;
        tlb.use(Asid(id));
      } else if (bits() % 10 == 0) {
        tlb.invalidate_page(Asid(other), page(n));
        slow.erase([&](std::uint32_t i, std::uint64_t p) { return i == other && p == n; });
      } else if (bits() % 20 == 0) {
        const std::uint64_t length = 1 + bits() % (seed % 3 == 0 ? 40 : 4);
        tlb.invalidate_range(Asid(other), page(n), length);
        slow.erase([&](std::uint32_t i, std::uint64_t p) { return i == other && n <= p && p < n + length; });
      } else if (bits() % 10 == 0) {
        const int expected = slow.look_up(global, n);
        ASSERT_EQ(tlb.look_up_global(page(n)).translation != nullptr, expected != 0);
        if (expected != 0) continue;
        tlb.insert_global(page(n), to(static_cast<std::uint64_t>(step)));
        slow.insert(global, n, static_cast<std::uint64_t>(step));
      } else {
        const int expected = slow.look_up(id, n);
        const Tlb::Hit hit = tlb.look_up(page(n));
        const int got = hit.level == Tlb::Level::first ? 1 : hit.level == Tlb::Level::second ? 2 : 0;
        ASSERT_EQ(got, expected) << "seed " << seed << ", step " << step;
        if (expected != 0) {
          ASSERT_EQ(hit.translation->word, slow.word(id, n));
        } else {
          tlb.insert(page(n), to(static_cast<std::uint64_t>(step)));
          slow.insert(id, n, static_cast<std::uint64_t>(step));
        }
      }
    }
  }
}

} // namespace
} // namespace mmsim::tlb_test
