// The buddy system: whatever is taken and freed for whatever type, no frame is given twice or lost, and what
// was split is whole again in the end.

#include "models/pages/page_mobility.hpp"
#include "sim/engine/engine.hpp"
#include "sim/engine/random.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <rapidcheck/gtest.h>

namespace mmsim::buddy_test {
namespace {

using testing::HasSubstr;

constexpr unsigned orders = Buddy::max_order + 1;

std::array<std::uint32_t, orders> free_blocks(const Buddy& buddy) {
  std::array<std::uint32_t, orders> blocks;
  for (unsigned order = 0; order < orders; ++order)
    blocks[order] = buddy.free_blocks(order);
  return blocks;
}

const std::array<const char*, 3> mobilities{"none", "reserve", "highatomic"};

// A buddy system beside the plainest model of one: which blocks are allocated.
struct Modelled {
  Modelled(std::uint32_t managed, std::uint32_t spanned, const PageMobilityParameters& mobility)
      : frames(FrameNumber(first + 9 * Buddy::max_block)),
        buddy(frames, {FrameNumber(first), managed, spanned}, mobility),
        reserves(mobility.mobility == "reserve"), end(first + managed), initially(free_blocks(buddy)) {}

  // Whether a block for that request is anywhere.
  bool possible(unsigned order, MigrateType type, bool no_fragment) const {
    const unsigned others = no_fragment ? std::max(order, buddy.pageblocks().order()) : order;
    for (unsigned larger = order; larger < orders; ++larger) {
      if (buddy.free_blocks(larger, buddy.group_of(type)) != 0) return true;
      if (!reserves && larger < others) continue; // (2.6.24 knows no such request)
      const std::uint32_t kept = reserves ? 0 : buddy.free_blocks(larger, MigrateType::reserve);
      if (buddy.free_blocks(larger) > kept) return true;
    }
    return false;
  }
  void take(unsigned order, MigrateType type, bool no_fragment) {
    const bool expected = possible(order, type, no_fragment);
    const Buddy::Taken taken = buddy.take(order, type, no_fragment);
    RC_ASSERT((taken.frame != no_frame) == expected);
    if (taken.frame != no_frame) given(taken, order);
  }
  void take_reserved(unsigned order) {
    const Buddy::Taken taken = buddy.take_smallest(order, MigrateType::reserve);
    if (taken.frame != no_frame) given(taken, order);
  }
  void given(const Buddy::Taken& taken, unsigned order) {
    const std::uint32_t number = taken.frame.value(), size = 1u << order;
    RC_ASSERT(number % size == 0u);
    RC_ASSERT(number >= first);
    RC_ASSERT(number + size <= end);
    const auto after = allocated.lower_bound(number);
    if (after != allocated.end()) // (RC_ASSERT evaluates both sides of an `or`)
      RC_ASSERT(number + size <= after->first);
    if (after != allocated.begin())
      RC_ASSERT(std::prev(after)->first + (1u << std::prev(after)->second) <= number);
    Frame& f = frames[taken.frame];
    RC_ASSERT(f.state == FrameState::part); // nobody can merge with it any more
    RC_ASSERT(unsigned{f.order} == order);
    f.state = FrameState::allocated;
    f.flags = number % 3 == 0 ? std::uint32_t{PG_lru} : 0;
    allocated.emplace(number, order);
    in_use += size;
    steps_down += taken.splits;
  }
  void put(std::size_t which) {
    if (allocated.empty()) return;
    const auto block = std::next(allocated.begin(), static_cast<std::ptrdiff_t>(which % allocated.size()));
    in_use -= 1u << block->second;
    const auto type = MigrateType(which / 64 % 3);
    if (which % 16 == 0 && !buddy.pageblocks().grouping_disabled())
      steps_up += buddy.put(FrameNumber(block->first), block->second, type); // a stale type
    else
      steps_up += buddy.put(FrameNumber(block->first), block->second);
    allocated.erase(block);
  }
  void check() const {
    const Buddy::Census census = buddy.check();
    RC_ASSERT(census.allocated == in_use);
    RC_ASSERT(census.free + census.allocated == end - first);
    RC_ASSERT(buddy.free_frames() == census.free);
    for (unsigned order = 0; order < orders; ++order) {
      std::uint32_t blocks = 0;
      for (std::size_t type = 0; type < migrate_type_count; ++type)
        blocks += buddy.free_blocks(order, MigrateType(type));
      RC_ASSERT(blocks == buddy.free_blocks(order));
    }
    // No two free buddies side by side: they would have merged.
    for (std::uint32_t number = first; number < end;) {
      const Frame& f = frames[FrameNumber(number)];
      if (f.state == FrameState::part) { // not used yet
        number += Buddy::max_block;
        continue;
      }
      if (f.state == FrameState::free && f.order < Buddy::max_order) {
        const Frame& other = frames[FrameNumber(number ^ 1u << f.order)];
        RC_ASSERT(!(other.state == FrameState::free && other.order == f.order));
      }
      number += 1u << f.order;
    }
  }
  void finish() {
    while (!allocated.empty())
      put(allocated.size() / 2);
    check();
    RC_ASSERT(steps_down == steps_up);
    RC_ASSERT(free_blocks(buddy) == initially);
  }

  static constexpr std::uint32_t first = 4 * Buddy::max_block;
  FrameTable frames;
  Buddy buddy;
  const bool reserves; // 2.6.24: the reserve is everybody's last resort
  const std::uint32_t end;
  const std::array<std::uint32_t, orders> initially;
  std::map<std::uint32_t, unsigned> allocated; // order by first frame
  std::uint64_t in_use = 0, steps_down = 0, steps_up = 0;
};

// Prefers small orders, as kernels do; frees somewhat less often than it allocates, so that memory runs out.
void apply(Modelled& m, std::uint64_t bits) {
  const unsigned what = bits % 251;
  const auto which = static_cast<std::uint32_t>(bits >> 8);
  const auto type = MigrateType(which % 3);
  PageMobility& mobility = m.buddy.mobility();
  if (what < 115)
    m.put(which / 3);
  else if (what < 215)
    m.take(0, type, which % 7 == 0);
  else if (what < 242)
    m.take(which / 3 % orders, type, which % 7 == 0);
  else if (what < 244)
    mobility.setup_reserve(m.buddy, which % 4000);
  else if (what < 246)
    m.take_reserved(which % 5);
  else if (what < 248)
    mobility.unreserve_highatomic(m.buddy, type, which % 2 == 0);
  else if (!m.allocated.empty())
    mobility.reserve_highatomic(m.buddy, FrameNumber(m.allocated.begin()->first));
}

RC_GTEST_PROP(BuddyInvariant, BlocksOfAllTypesNeverOverlapAndMergeBackIntoTheInitialOnes, ()) {
  const auto managed = *rc::gen::inRange(1u, 7 * Buddy::max_block);
  const auto kept = *rc::gen::inRange(0u, Buddy::max_block);
  const auto pageblock_order = *rc::gen::element(10, 9, 5);
  Modelled m(managed, managed + kept, {*rc::gen::elementOf(mobilities), pageblock_order});
  const auto steps = *rc::gen::container<std::vector<std::uint64_t>>(
      3000, rc::gen::resize(rc::kNominalSize, rc::gen::arbitrary<std::uint64_t>()));
  std::size_t done = 0;
  for (const std::uint64_t step : steps) {
    apply(m, step);
    if (++done % 500 == 0) m.check();
  }
  m.finish();
}

// --- millions of operations

struct BuddyInvariantOf : testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(, BuddyInvariantOf, testing::ValuesIn(mobilities),
                         [](const auto& info) { return std::string(info.param); });

TEST_P(BuddyInvariantOf, MillionsOfOperationsGiveNoFrameTwiceAndLoseNone) {
  constexpr std::uint32_t first = Buddy::max_block, managed = 23 * Buddy::max_block + 333;
  const bool highatomic = std::string_view(GetParam()) == "highatomic";
  FrameTable frames(FrameNumber(26 * Buddy::max_block));
  Buddy buddy(frames, {FrameNumber(first), managed, managed + 100}, {GetParam(), highatomic ? 9 : 10});
  PageMobility& mobility = buddy.mobility();
  const auto initially = free_blocks(buddy);
  mobility.setup_reserve(buddy, 2000);

  struct Block {
    FrameNumber frame;
    unsigned order;
  };
  std::vector<Block> mine;
  std::vector<std::uint8_t> in_use(first + managed, 0);
  RandomStream random(11, GetParam());
  std::uint64_t out_of_memory = 0, fallbacks = 0, unreserved = 0, splits = 0, merges = 0;
  const auto release = [&](std::size_t i) {
    std::swap(mine[i], mine.back());
    const auto [frame, order] = mine.back();
    mine.pop_back();
    for (std::uint32_t k = 0; k < 1u << order; ++k)
      ASSERT_EQ(std::exchange(in_use[frame.value() + k], 0), 1);
    merges += buddy.put(frame, order);
  };
  for (int i = 0; i < 3'000'000; ++i) {
    const bool growing = i % 200'000 < 120'000; // waves
    if (random.below(100) < (growing ? 62u : 35u)) {
      const unsigned order = random.below(6) == 0 ? static_cast<unsigned>(random.below(orders)) : 0;
      const auto type = MigrateType(random.below(3));
      Buddy::Taken taken = buddy.take(order, type, random.below(16) == 0);
      if (taken.frame == no_frame && random.below(4) == 0)
        taken = buddy.take_smallest(order, MigrateType::reserve);
      if (taken.frame == no_frame) {
        ++out_of_memory;
        if (random.below(8) == 0)
          unreserved += mobility.unreserve_highatomic(buddy, type, random.below(2) == 0).frames;
        continue;
      }
      fallbacks += taken.fell_back;
      splits += taken.splits;
      for (std::uint32_t k = 0; k < 1u << order; ++k)
        ASSERT_EQ(std::exchange(in_use.at(taken.frame.value() + k), 1), 0) << "given twice";
      frames[taken.frame].state = FrameState::allocated;
      frames[taken.frame].flags = type == MigrateType::movable ? std::uint32_t{PG_lru} : 0;
      mine.push_back({taken.frame, order});
      if (random.below(500) == 0) mobility.reserve_highatomic(buddy, taken.frame);
    } else if (!mine.empty()) {
      release(random.below(mine.size()));
    }
    if (i % 50'000 == 0) buddy.check();
    if (i % 400'000 == 1) mobility.setup_reserve(buddy, random.below(5000));
  }
  EXPECT_GT(out_of_memory, 1000u);
  EXPECT_EQ(fallbacks > 10'000, std::string_view(GetParam()) != "none");
  EXPECT_EQ(unreserved > 0, highatomic);
  buddy.check();
  while (!mine.empty())
    release(mine.size() - 1);
  EXPECT_EQ(buddy.check().free, managed);
  EXPECT_EQ(buddy.free_frames(), managed);
  EXPECT_EQ(free_blocks(buddy), initially);
  EXPECT_EQ(splits, merges);
}

// --- by hand

TEST(BuddyInvariant, TheLowerHalfIsGivenAndAFreedBlockIsUsedBeforeAnUnusedOne) {
  constexpr MigrateType type = MigrateType::movable;
  FrameTable frames(FrameNumber(8 * Buddy::max_block));
  Buddy buddy(frames, FrameNumber(Buddy::max_block), 4 * Buddy::max_block);
  EXPECT_EQ(buddy.take(0, type).frame, FrameNumber(1024));
  EXPECT_EQ(buddy.take(0, type).frame, FrameNumber(1025));
  EXPECT_EQ(buddy.take(3, type).frame, FrameNumber(1032));
  EXPECT_EQ(buddy.take(10, type).frame, FrameNumber(2048));
  EXPECT_EQ(buddy.take(10, type).frame, FrameNumber(3072));
  buddy.put(FrameNumber(2048), 10);
  EXPECT_EQ(buddy.take(9, type).frame, FrameNumber(1536)); // the smallest block that will do
  EXPECT_EQ(buddy.take(10, type).frame, FrameNumber(2048));
  EXPECT_EQ(buddy.take(10, type).frame, FrameNumber(4096));
  EXPECT_EQ(buddy.take(10, type).frame, no_frame);
}

std::string violation_of(const Buddy& buddy) {
  try {
    buddy.check();
  } catch (const Violation& violation) {
    return violation.what();
  }
  return "(no violation)";
}

TEST(BuddyInvariant, AFreeBlockOnTheListOfAnotherTypeIsFound) {
  FrameTable frames(FrameNumber(8 * Buddy::max_block));
  Buddy buddy(frames, FrameNumber(Buddy::max_block), 4 * Buddy::max_block);
  const FrameNumber frame = buddy.take(0, MigrateType::unmovable).frame;
  frames[frame].state = FrameState::allocated;
  EXPECT_EQ(violation_of(buddy), "(no violation)");
  Frame& f = frames[frame + 4]; // four free frames
  f.flags = index(MigrateType::movable);
  EXPECT_THAT(violation_of(buddy), HasSubstr("on the free list of order 2 and migrate type 0"));
  f.flags = 9;
  EXPECT_THAT(violation_of(buddy), HasSubstr("free as migrate type 9"));
  f.flags = index(MigrateType::unmovable);
  EXPECT_EQ(violation_of(buddy), "(no violation)");
}

TEST(BuddyInvariant, MemoryThatDoesNotFitTheTableIsACallersMistake) {
  FrameTable frames(FrameNumber(8 * Buddy::max_block));
  const FrameNumber first(Buddy::max_block);
  EXPECT_THROW(Buddy(frames, no_frame, 100), std::logic_error);
  EXPECT_THROW(Buddy(frames, first + 1, 100), std::logic_error);
  EXPECT_THROW(Buddy(frames, first, 7 * Buddy::max_block + 1), std::logic_error);
  EXPECT_THROW(Buddy(frames, {first, 101, 100}, PageMobilityParameters{}), std::logic_error);
}

} // namespace
} // namespace mmsim::buddy_test
