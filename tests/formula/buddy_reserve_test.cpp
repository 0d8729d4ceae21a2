// Which pageblocks a zone keeps back, how many, and who gets them: MIGRATE_RESERVE of 2.6.24, MIGRATE_HIGHATOMIC
// of 5.10, exactly.

#include "tests/support/buddy_memory.hpp"

#include <array>
#include <gtest/gtest.h>
#include <vector>

namespace mmsim::buddy_reserve_test {
namespace {

using enum MigrateType;
using Memory = tests::BuddyMemory;

TEST(BuddyReserveOf2_6_24, TheFirstPageblocksAreAReserveOfPagesMinAndComeLast) {
  Memory m("reserve", 10);
  m.buddy.mobility().setup_reserve(m.buddy, 1025);
  EXPECT_EQ(m.buddy.pageblocks().count(reserve), 2u);
  EXPECT_EQ(m.buddy.free_blocks(10, reserve), 2u);
  EXPECT_EQ(m.buddy.free_blocks(10, movable), 6u);
  m.buddy.check();
  for (int i = 0; i < 6; ++i)
    EXPECT_GE(m.buddy.take(10, i % 2 != 0 ? movable : unmovable).frame, Memory::start + 2048);
  const Buddy::Taken last = m.buddy.take(0, reclaimable);
  EXPECT_LT(last.frame, Memory::start + 2048);
  EXPECT_TRUE(last.fell_back);
  EXPECT_EQ(m.type_of(last.frame), reserve); // nobody claims it
  EXPECT_EQ(m.buddy.free_blocks(9, reserve), 1u);
  m.buddy.put(last.frame, 0);
  EXPECT_EQ(m.buddy.free_blocks(10, reserve), 2u);
}

TEST(BuddyReserveOf2_6_24, TheReserveFollowsPagesMin) {
  Memory m("reserve", 10);
  PageMobility& mobility = m.buddy.mobility();
  mobility.setup_reserve(m.buddy, 2048);
  mobility.setup_reserve(m.buddy, 3 * 1024);
  EXPECT_EQ(m.buddy.free_blocks(10, reserve), 3u);
  mobility.setup_reserve(m.buddy, 1);
  EXPECT_EQ(m.buddy.pageblocks().count(reserve), 1u);
  EXPECT_EQ(m.buddy.free_blocks(10, reserve), 1u);
  EXPECT_EQ(m.buddy.free_blocks(10, movable), 7u);
  EXPECT_EQ(m.type_of(Memory::start), reserve);
  // A pageblock that somebody has claimed meanwhile is passed over.
  const FrameNumber claimed = m.buddy.take(10, unmovable).frame;
  mobility.setup_reserve(m.buddy, 8 * 1024);
  EXPECT_EQ(m.buddy.pageblocks().count(reserve), 7u);
  EXPECT_EQ(m.type_of(claimed), unmovable);
  m.frames[claimed].state = FrameState::allocated;
  m.buddy.check();
}

TEST(BuddyReserveOf5_10, TheReserveForHighOrdersGrowsToAHundredthAndOnePageblock) {
  Memory m("highatomic", 9, 100); // a hundredth of it is two pageblocks
  PageMobility& mobility = m.buddy.mobility();
  std::vector<FrameNumber> blocks;
  for (int i = 0; i < 4; ++i) {
    const FrameNumber block = m.used(unmovable);
    m.free(block, 4);
    const bool room = mobility.may_reserve_highatomic(m.buddy);
    EXPECT_EQ(room, i < 3);
    const Buddy::Moved moved = mobility.reserve_highatomic(m.buddy, block + 100);
    EXPECT_EQ(moved.frames, room ? 16u : 0u);
    EXPECT_EQ(mobility.reserve_highatomic(m.buddy, block + 100).frames, 0u); // it is reserved already
    EXPECT_EQ(m.type_of(block), room ? reserve : unmovable);
  }
  EXPECT_EQ(mobility.reserved_highatomic(), 3u * 512);
  EXPECT_EQ(m.buddy.pageblocks().count(reserve), 3u);
  EXPECT_EQ(m.buddy.free_blocks(4, reserve), 3u);
}

TEST(BuddyReserveOf5_10, TheReserveForHighOrdersIsNobodysFallbackAndIsGivenUpBeforeTheEnd) {
  Memory m("highatomic", 9, 4);
  PageMobility& mobility = m.buddy.mobility();
  std::array<FrameNumber, 2> blocks{};
  EXPECT_FALSE(mobility.may_unreserve_highatomic(m.buddy, false));
  for (FrameNumber& block : blocks) {
    block = m.used(unmovable);
    m.free(block, 4);
  }
  m.use_rest();
  EXPECT_EQ(mobility.reserve_highatomic(m.buddy, blocks[0]).blocks, 1u);
  EXPECT_EQ(mobility.reserved_highatomic(), 512u);
  EXPECT_EQ(m.buddy.take(4, unmovable).frame, blocks[1]);
  EXPECT_EQ(m.buddy.take(0, unmovable).frame, no_frame);
  EXPECT_EQ(m.buddy.take(0, movable).frame, no_frame);
  EXPECT_EQ(m.buddy.take_smallest(2, reserve).frame, blocks[0]);
  EXPECT_EQ(mobility.unreserve_highatomic(m.buddy, movable, false).frames, 0u); // the last pageblock
  EXPECT_EQ(mobility.unreserve_highatomic(m.buddy, movable, true).frames, 12u);
  EXPECT_EQ(mobility.reserved_highatomic(), 0u);
  EXPECT_EQ(m.type_of(blocks[0]), movable);
  EXPECT_EQ(m.buddy.take(3, movable).frame, blocks[0] + 8);
  EXPECT_EQ(mobility.unreserve_highatomic(m.buddy, movable, true).frames, 0u);
}

} // namespace
} // namespace mmsim::buddy_reserve_test
