// Which instructions does a range of pages take?

#include "models/tlb_flush/tlb_range.hpp"

#include <bit>
#include <gtest/gtest.h>
#include <utility>
#include <vector>

namespace mmsim::tlb_range_test {
namespace {

using Instructions = std::vector<std::pair<std::uint64_t, std::uint64_t>>; // first page, pages

Instructions of(std::uint64_t begin, std::uint64_t pages, bool range) {
  Instructions all;
  for_each_tlbi(PageNumber(begin), PageNumber(begin + pages), range,
                [&](PageNumber first, std::uint64_t count) { all.emplace_back(first.value(), count); });
  return all;
}

TEST(TlbRange, WithoutRangesEveryPageTakesAnInstruction) {
  EXPECT_EQ(of(7, 3, false), (Instructions{{7, 1}, {8, 1}, {9, 1}}));
}

TEST(TlbRange, AnOddPageGoesByItselfAndTheRestByScales) {
  EXPECT_EQ(of(7, 1, true), (Instructions{{7, 1}}));
  EXPECT_EQ(of(7, 2, true), (Instructions{{7, 2}}));
  EXPECT_EQ(of(7, 3, true), (Instructions{{7, 1}, {8, 2}}));
  EXPECT_EQ(of(0, 62, true), (Instructions{{0, 62}})); // scale 0, num 30
  EXPECT_EQ(of(0, 64, true), (Instructions{{0, 64}})); // scale 1, num 0
  EXPECT_EQ(of(0, 67, true), (Instructions{{0, 1}, {1, 2}, {3, 64}}));
  EXPECT_EQ(of(0, 512, true), (Instructions{{0, 512}})); // scale 1, num 7
  EXPECT_EQ(of(0, max_tlbi_range_pages - 1, true),
            (Instructions{{0, 1}, {1, 62}, {63, 62 * 32}, {2047, 62 * 1024}, {65535, 62 * 32768}}));
}

TEST(TlbRange, TakesOneInstructionForTheOddPageAndOneForEachFiveBitsOfTheRestThatAreNotZero) {
  for (std::uint64_t pages = 1; pages < max_tlbi_range_pages; pages = pages * 5 / 4 + 1) {
    std::size_t expected = pages & 1;
    for (std::uint64_t rest = pages >> 1; rest != 0; rest >>= 5)
      expected += (rest & 31) != 0;
    const Instructions all = of(1000, pages, true);
    EXPECT_EQ(all.size(), expected) << pages << " pages";
    std::uint64_t next = 1000;
    for (const auto& [first, count] : all) {
      EXPECT_EQ(first, next);
      next += count;
    }
    EXPECT_EQ(next, 1000 + pages);
  }
}

} // namespace
} // namespace mmsim::tlb_range_test
