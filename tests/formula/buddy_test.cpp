// Which block a request gets, and what becomes of its pageblock: the rules of 2.6.24 and 5.10, exactly.

#include "tests/support/buddy_memory.hpp"

#include <array>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace mmsim::buddy_test {
namespace {

using enum MigrateType;

using Memory = tests::BuddyMemory;

struct Version {
  const char* mobility;
  unsigned pageblock_order;
};
constexpr Version old_kernel{"reserve", 10}, new_kernel{"highatomic", 9};

struct BuddyFormula : testing::TestWithParam<Version> {};
INSTANTIATE_TEST_SUITE_P(, BuddyFormula, testing::Values(old_kernel, new_kernel),
                         [](const auto& info) { return std::string(info.param.mobility); });

TEST_P(BuddyFormula, TheOtherTypesFollowInTheOrderOfTheFallbackTable) {
  const std::vector<std::vector<MigrateType>> expected{{unmovable, reclaimable, movable},
                                                       {reclaimable, unmovable, movable},
                                                       {movable, reclaimable, unmovable}};
  for (const auto& order : expected) {
    Memory m(GetParam().mobility, GetParam().pageblock_order);
    const std::array<FrameNumber, 3> used{m.used(unmovable), m.used(reclaimable), m.used(movable)};
    m.use_rest();
    for (const FrameNumber block : used)
      m.free(block + 8, 3);
    for (const MigrateType type : order) {
      const Buddy::Taken taken = m.buddy.take(3, order[0]);
      EXPECT_EQ(taken.frame, used[index(type)] + 8);
      EXPECT_EQ(taken.fell_back, type != order[0]);
    }
    EXPECT_EQ(m.buddy.take(3, order[0]).frame, no_frame);
  }
}

TEST_P(BuddyFormula, TheOwnTypeIsServedFromItsSmallestBlockAndOthersLoseTheirLargest) {
  Memory m(GetParam().mobility, GetParam().pageblock_order);
  const FrameNumber own = m.used(unmovable), other = m.used(movable);
  m.use_rest();
  m.free(own, 7), m.free(own + 256, 2), m.free(other, 2), m.free(other + 256, 7);
  EXPECT_EQ(m.buddy.take(0, unmovable).frame, own + 256);
  EXPECT_EQ(m.buddy.take(7, unmovable).frame, own);
  EXPECT_EQ(m.buddy.take(3, unmovable).frame, other + 256); // 1 + 2 frames are left in `own`
  EXPECT_EQ(m.buddy.free_blocks(6, unmovable), 1u);         // and the large block's rest came along
  EXPECT_EQ(m.buddy.free_blocks(2, unmovable), 1u);         // as well as the other one of its pageblock
  EXPECT_EQ(m.buddy.free_blocks(2, movable), 0u);
}

TEST_P(BuddyFormula, UnusedMemoryIsMovableAndAKernelRequestClaimsItsPageblocks) {
  Memory m(GetParam().mobility, GetParam().pageblock_order);
  const std::uint32_t pageblocks = 8 * 1024 >> GetParam().pageblock_order;
  EXPECT_EQ(m.buddy.free_blocks(10, movable), 8u);
  EXPECT_EQ(m.buddy.free_blocks(10, unmovable), 0u);
  EXPECT_EQ(m.buddy.pageblocks().count(movable), pageblocks);
  const Buddy::Taken taken = m.buddy.take(0, unmovable);
  EXPECT_EQ(taken.frame, Memory::start);
  EXPECT_EQ(taken.splits, 10u);
  EXPECT_EQ(taken.moved, 1u);
  EXPECT_FALSE(taken.boost_watermark); // no pageblock is mixed now
  EXPECT_EQ(m.buddy.pageblocks().count(unmovable), 1024u >> GetParam().pageblock_order);
  EXPECT_EQ(m.buddy.free_blocks(10, movable), 7u);
  for (unsigned order = 0; order < 10; ++order)
    EXPECT_EQ(m.buddy.free_blocks(order, unmovable), 1u);
  m.buddy.put(taken.frame, 0);
  EXPECT_EQ(m.buddy.free_blocks(10, unmovable), 1u); // what was claimed stays so
  EXPECT_EQ(m.buddy.free_blocks(10), 8u);
}

TEST_P(BuddyFormula, AFreedBlockGoesToTheListOfItsPageblock) {
  Memory m(GetParam().mobility, GetParam().pageblock_order);
  const FrameNumber a = m.used(unmovable), b = m.used(reclaimable);
  m.free(a, 0), m.free(b + 4, 2);
  EXPECT_EQ(m.buddy.free_blocks(0, unmovable), 1u);
  EXPECT_EQ(m.buddy.free_blocks(2, reclaimable), 1u);
  m.frames[a + 1].flags = 0;
  m.buddy.put(a + 1, 0, movable); // as a per-CPU list of 5.10 remembers it
  EXPECT_EQ(m.buddy.free_blocks(1, movable), 1u);
  EXPECT_EQ(m.buddy.free_blocks(0, unmovable), 0u);
  m.buddy.check();
}

TEST_P(BuddyFormula, TheFirstFrameOfATakenBlockRemembersForWhomItWasTaken) {
  Memory m(GetParam().mobility, GetParam().pageblock_order);
  for (const MigrateType type : {unmovable, reclaimable, movable}) {
    const FrameNumber frame = m.buddy.take(2, type).frame;
    EXPECT_EQ(unsigned{m.frames[frame].flags}, index(type));
    EXPECT_EQ(unsigned{m.frames[frame].order}, 2u);
  }
}

TEST_P(BuddyFormula, FewerPageblocksThanMigrateTypesDisableTheGrouping) {
  const bool old = std::string_view(GetParam().mobility) == "reserve";
  const std::uint64_t limit = (old ? 5u : 6u) << GetParam().pageblock_order;
  const Buddy::Extent extent{Memory::start, 2048, 2048};
  Memory grouped(GetParam().mobility, GetParam().pageblock_order, extent, limit);
  Memory m(GetParam().mobility, GetParam().pageblock_order, extent, limit - 1);
  EXPECT_FALSE(grouped.buddy.pageblocks().grouping_disabled());
  EXPECT_TRUE(m.buddy.pageblocks().grouping_disabled());
  EXPECT_EQ(grouped.buddy.group_of(movable), movable);
  EXPECT_EQ(m.buddy.group_of(movable), unmovable);
  const FrameNumber frame = m.buddy.take(0, movable).frame;
  EXPECT_EQ(m.type_of(frame), unmovable);
  EXPECT_EQ(m.buddy.take(0, reclaimable).frame, frame + 1);
}

// --- 2.6.24

TEST(BuddyFormulaOf2_6_24, ALargeBlockTakesThePageblocksFreeMemoryAlongAndHalfOfItThePageblock) {
  for (const std::uint32_t extra : {0u, 1u}) {
    Memory m("reserve", 10);
    const FrameNumber block = m.used(movable);
    m.use_rest();
    m.free(block, 8), m.free(block + 512, 7), m.free(block + 768, 6), m.free(block + 896, 5),
        m.free(block + 960, 4), m.free(block + 992, 3), m.free(block + 1008, 2), m.free(block + 1016, 1),
        m.free(block + 1020, 0); // 511 frames
    if (extra != 0) m.free(block + 1022, 0);
    const Buddy::Taken taken = m.buddy.take(0, unmovable);
    EXPECT_EQ(taken.frame, block);
    EXPECT_EQ(taken.splits, 8u);
    EXPECT_EQ(taken.moved, 9u + extra);
    EXPECT_EQ(taken.scanned, 9u + extra + 1024 - 511 - extra); // blocks in one step, used frames one by one
    EXPECT_EQ(m.type_of(block), extra != 0 ? unmovable : movable);
    for (unsigned order = 0; order < 8; ++order)
      EXPECT_EQ(m.buddy.free_blocks(order, movable), 0u);
    m.frames[block].state = FrameState::allocated;
    m.buddy.check();
  }
}

TEST(BuddyFormulaOf2_6_24, ASmallBlockLeavesItsRestToItsTypeUnlessReclaimableMemoryIsWanted) {
  for (const MigrateType type : {unmovable, reclaimable}) {
    Memory m("reserve", 10);
    const FrameNumber block = m.used(movable);
    m.use_rest();
    m.free(block, 4), m.free(block + 64, 2); // below half of the pageblock's order
    const Buddy::Taken taken = m.buddy.take(0, type);
    EXPECT_EQ(taken.frame, block);
    EXPECT_EQ(unsigned{m.frames[block].flags}, index(type)); // for whom it was taken
    const bool moves = type == reclaimable;
    EXPECT_EQ(taken.moved, moves ? 2u : 0u);
    EXPECT_EQ(m.buddy.free_blocks(3, moves ? type : movable), 1u);
    EXPECT_EQ(m.buddy.free_blocks(2, moves ? type : movable), 2u);
    EXPECT_EQ(m.type_of(block), movable);
  }
}

TEST(BuddyFormulaOf2_6_24, MovableRequestsBreakTheLargestBlockToo) {
  Memory m("reserve", 10);
  const FrameNumber block = m.used(unmovable);
  m.use_rest();
  m.free(block, 1), m.free(block + 64, 3);
  EXPECT_EQ(m.buddy.take(0, movable).frame, block + 64);
}

TEST(BuddyFormulaOf2_6_24, APageblockThatTheZonesEndCutsKeepsItsFreeMemory) {
  Memory m("reserve", 10, Buddy::Extent{Memory::start, 512 + 64, 512 + 64});
  EXPECT_EQ(m.buddy.pageblocks().count(movable), 1u);
  const Buddy::Taken taken = m.buddy.take(0, unmovable);
  EXPECT_EQ(taken.frame, Memory::start);
  EXPECT_EQ(taken.scanned + taken.moved, 0u);
  EXPECT_EQ(m.buddy.free_blocks(8, unmovable), 1u); // the rest of the block that was broken
  EXPECT_EQ(m.buddy.free_blocks(6, movable), 1u);
  EXPECT_EQ(m.type_of(Memory::start), movable);
}

TEST(BuddyFormulaOf2_6_24, WhatTheKernelKeepsForItselfDoesNotCutAPageblock) {
  Memory m("reserve", 10, Buddy::Extent{Memory::start, 512 + 64, 1024});
  (void)m.buddy.take(0, unmovable);
  EXPECT_EQ(m.type_of(Memory::start), unmovable);
  EXPECT_EQ(m.buddy.free_blocks(6, unmovable), 2u);
}

TEST(BuddyFormulaOf2_6_24, ABlockLargerThanAPageblockTakesAllOfItsPageblocksAlong) {
  Memory m("reserve", 9);
  (void)m.buddy.take(0, unmovable);
  EXPECT_EQ(m.buddy.pageblocks().count(unmovable), 2u);
}

TEST(BuddyFormulaOf2_6_24, AFreedBlockIsTheNextToBeTaken) {
  Memory m("reserve", 10);
  const FrameNumber block = m.used(movable);
  m.use_rest();
  m.free(block + 2, 1);
  m.free(block + 64, 0);
  m.free(block, 0); // could soon be four
  EXPECT_EQ(m.buddy.take(0, movable).frame, block);
}

// --- 5.10

TEST(BuddyFormulaOf5_10, ABlockThatMayMergeSoonIsTheLastToBeTaken) {
  Memory m("highatomic", 9);
  const FrameNumber block = m.used(movable);
  m.use_rest();
  m.free(block + 2, 1);
  m.free(block + 64, 0);
  m.free(block, 0);
  EXPECT_EQ(m.buddy.take(0, movable).frame, block + 64);
  m.free(block + 128, 0);
  EXPECT_EQ(m.buddy.take(0, movable).frame, block + 128);
  EXPECT_EQ(m.buddy.take(0, movable).frame, block);
}

TEST(BuddyFormulaOf5_10, AMovableRequestThatMayNotStealThePageblockTakesTheSmallestBlock) {
  Memory m("highatomic", 9);
  const FrameNumber block = m.used(unmovable);
  m.use_rest();
  m.free(block, 3), m.free(block + 64, 1), m.free(block + 128, 2);
  const Buddy::Taken taken = m.buddy.take(0, movable);
  EXPECT_EQ(taken.frame, block + 64);
  EXPECT_EQ(taken.moved, 1u);
  EXPECT_EQ(taken.scanned, 0u);
  EXPECT_TRUE(taken.boost_watermark);
  EXPECT_EQ(m.buddy.free_blocks(0, movable), 1u); // its rest alone
  EXPECT_EQ(m.buddy.free_blocks(3, unmovable), 1u);
  // From order 4 on, half of the pageblock's, it may.
  m.free(block + 256, 4);
  EXPECT_EQ(m.buddy.take(1, movable).frame, block + 128); // of all that came along, the smallest that will do
  EXPECT_EQ(m.buddy.free_blocks(4, movable), 1u);
  EXPECT_EQ(m.buddy.free_blocks(3, unmovable), 0u);
}

TEST(BuddyFormulaOf5_10, AMovableRequestCountsPagesOfTheLruAsItsOwn) {
  for (const std::uint32_t lru : {239u, 240u}) {
    Memory m("highatomic", 9);
    const FrameNumber block = m.used(unmovable);
    m.use_rest();
    m.no_lru(block, 512 - lru);
    m.free(block, 4);
    const Buddy::Taken taken = m.buddy.take(0, movable);
    EXPECT_EQ(taken.frame, block);
    EXPECT_EQ(taken.moved, 1u);
    EXPECT_EQ(taken.scanned, 1u + 512 - 16);
    EXPECT_TRUE(taken.boost_watermark);
    EXPECT_EQ(m.type_of(block), lru == 240 ? movable : unmovable);
    EXPECT_EQ(m.type_of(block + 512), unmovable);
  }
}

TEST(BuddyFormulaOf5_10, AKernelRequestCountsWhatIsNotOnTheLruIfThePageblockWasMovable) {
  for (const std::uint32_t kernel : {247u, 248u}) {
    for (const MigrateType old_type : {movable, reclaimable}) {
      Memory m("highatomic", 9);
      const FrameNumber block = m.used(old_type);
      m.use_rest();
      m.free(block, 3);
      m.no_lru(block + 256, kernel);
      EXPECT_EQ(m.buddy.take(0, unmovable).frame, block);
      EXPECT_EQ(m.type_of(block), kernel == 248 && old_type == movable ? unmovable : old_type);
      EXPECT_EQ(m.buddy.free_blocks(2, unmovable), 1u); // its free memory came along in any case
    }
  }
}

TEST(BuddyFormulaOf5_10, MemoryThatChangesItsListComesLastThere) {
  Memory m("highatomic", 9);
  const FrameNumber block = m.used(movable);
  m.use_rest();
  m.free(block, 4), m.free(block + 64, 4);
  EXPECT_EQ(m.buddy.take(4, unmovable).frame, block); // both move, the first before the second
  EXPECT_EQ(m.buddy.take(4, unmovable).frame, block + 64);
}

TEST(BuddyFormulaOf5_10, APageblockThatTheZonesEndCutsGivesOneBlockOnly) {
  Memory m("highatomic", 9, Buddy::Extent{Memory::start, 256 + 64, 256 + 64});
  const Buddy::Taken taken = m.buddy.take(0, unmovable);
  EXPECT_EQ(taken.frame, Memory::start);
  EXPECT_EQ(taken.moved, 1u);
  EXPECT_EQ(taken.scanned, 0u);
  EXPECT_EQ(m.buddy.free_blocks(7, unmovable), 1u);
  EXPECT_EQ(m.buddy.free_blocks(6, movable), 1u);
  EXPECT_EQ(m.type_of(Memory::start), movable);
}

TEST(BuddyFormulaOf5_10, WithoutFragmentationOnlyWholePageblocksAreTaken) {
  Memory m("highatomic", 9);
  const FrameNumber block = m.used(movable);
  m.use_rest();
  m.free(block, 8);
  EXPECT_EQ(m.buddy.take(0, unmovable, true).frame, no_frame);
  EXPECT_EQ(m.buddy.take(0, movable, true).frame, block);
  m.free(block + 512, 9);
  EXPECT_EQ(m.buddy.take(0, unmovable, true).frame, block + 512);
  EXPECT_EQ(m.type_of(block + 512), unmovable);
}

// --- no grouping

TEST(BuddyFormulaWithoutGrouping, AllTypesShareOneList) {
  Memory m("none", 9);
  EXPECT_EQ(m.buddy.take(0, unmovable).frame, Memory::start);
  EXPECT_EQ(m.buddy.take(0, reclaimable).frame, Memory::start + 1);
  EXPECT_EQ(m.buddy.take(0, movable).frame, Memory::start + 2);
  EXPECT_EQ(m.buddy.pageblocks().count(movable), 16u);
  m.buddy.put(Memory::start + 1, 0);
  EXPECT_EQ(m.buddy.free_blocks(0, movable), 2u);
}

} // namespace
} // namespace mmsim::buddy_test
