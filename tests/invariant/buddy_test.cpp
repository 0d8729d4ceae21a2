// The buddy system alone: nothing is lost, nothing is handed out twice, and what was split is whole again in the
// end.

#include "models/pages/buddy.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <map>
#include <rapidcheck/gtest.h>

namespace mmsim {
namespace {

constexpr unsigned orders = Buddy::max_order + 1;

std::array<std::uint32_t, orders> free_blocks(const Buddy& buddy) {
  std::array<std::uint32_t, orders> blocks;
  for (unsigned order = 0; order < orders; ++order)
    blocks[order] = buddy.free_blocks(order);
  return blocks;
}

// A buddy system beside the plainest model of one: which blocks are allocated.
struct Modelled {
  explicit Modelled(std::uint32_t count)
      : frames(FrameNumber(4 * Buddy::max_block + 7 * Buddy::max_block)),
        buddy(frames, FrameNumber(first), count), end(first + count), initially(free_blocks(buddy)) {}

  void take(unsigned order) {
    const bool possible = [&] {
      for (unsigned larger = order; larger < orders; ++larger)
        if (buddy.free_blocks(larger) != 0) return true;
      return false;
    }();
    const Buddy::Taken taken = buddy.take(order, MigrateType::movable);
    const FrameNumber frame = taken.frame;
    RC_ASSERT((frame != no_frame) == possible);
    if (frame == no_frame) return;
    const std::uint32_t number = frame.value(), size = 1u << order;
    RC_ASSERT(number % size == 0u);
    RC_ASSERT(number >= first);
    RC_ASSERT(number + size <= end);
    const auto after = allocated.lower_bound(number);
    if (after != allocated.end()) // (RC_ASSERT evaluates both sides of an `or`)
      RC_ASSERT(number + size <= after->first);
    if (after != allocated.begin())
      RC_ASSERT(std::prev(after)->first + (1u << std::prev(after)->second) <= number);
    RC_ASSERT(frames[frame].state == FrameState::part); // nobody can merge with it any more
    RC_ASSERT(unsigned(frames[frame].order) == order);
    frames[frame].state = FrameState::allocated;
    allocated.emplace(number, order);
    in_use += size;
    steps_down += taken.splits;
  }
  void put(std::size_t which) {
    if (allocated.empty()) return;
    const auto block = std::next(allocated.begin(), static_cast<std::ptrdiff_t>(which % allocated.size()));
    in_use -= 1u << block->second;
    steps_up += buddy.put(FrameNumber(block->first), block->second);
    allocated.erase(block);
  }
  void check() const {
    const Buddy::Census census = buddy.check();
    RC_ASSERT(census.allocated == in_use);
    RC_ASSERT(census.free + census.allocated == end - first);
    RC_ASSERT(buddy.free_frames() == census.free);
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

  static constexpr std::uint32_t first = 4 * Buddy::max_block;
  FrameTable frames;
  Buddy buddy;
  const std::uint32_t end;
  const std::array<std::uint32_t, orders> initially;
  std::map<std::uint32_t, unsigned> allocated; // order by first frame
  std::uint64_t in_use = 0, steps_down = 0, steps_up = 0;
};

struct Step {
  std::uint8_t what;
  std::uint32_t which;
};

// Prefers small orders, as kernels do; frees somewhat less often than it allocates, so that memory runs out.
void apply(Modelled& m, const Step& step) {
  if (step.what < 120)
    m.put(step.which);
  else if (step.what < 220)
    m.take(0);
  else
    m.take(step.which % orders);
}

rc::Gen<std::vector<Step>> steps(std::size_t count) {
  return rc::gen::container<std::vector<Step>>(
      count,
      rc::gen::map(
          rc::gen::resize(rc::kNominalSize, rc::gen::arbitrary<std::uint64_t>()), [](std::uint64_t bits) {
            return Step{static_cast<std::uint8_t>(bits % 251), static_cast<std::uint32_t>(bits >> 8)};
          }));
}

RC_GTEST_PROP(BuddyInvariant, BlocksNeverOverlapAndMergeBackIntoTheInitialOnes, ()) {
  Modelled m(*rc::gen::inRange(1u, 7 * Buddy::max_block));
  std::size_t done = 0;
  for (const Step& step : *steps(4000)) {
    apply(m, step);
    if (++done % 500 == 0) m.check();
  }
  while (!m.allocated.empty())
    m.put(m.allocated.size() / 2);
  m.check();
  RC_ASSERT(m.steps_down == m.steps_up);
  RC_ASSERT(free_blocks(m.buddy) == m.initially);
}

TEST(BuddyInvariant, TheLowerHalfIsGivenAndAFreedBlockIsUsedBeforeAnUnusedOne) {
  FrameTable frames(FrameNumber(8 * Buddy::max_block));
  Buddy buddy(frames, FrameNumber(Buddy::max_block), 4 * Buddy::max_block);
  EXPECT_EQ(buddy.take(0, MigrateType::movable).frame, FrameNumber(1024));
  EXPECT_EQ(buddy.take(0, MigrateType::movable).frame, FrameNumber(1025));
  EXPECT_EQ(buddy.take(3, MigrateType::movable).frame, FrameNumber(1032));
  EXPECT_EQ(buddy.take(10, MigrateType::movable).frame, FrameNumber(2048));
  EXPECT_EQ(buddy.take(10, MigrateType::movable).frame, FrameNumber(3072));
  buddy.put(FrameNumber(2048), 10);
  EXPECT_EQ(buddy.take(9, MigrateType::movable).frame, FrameNumber(1536)); // the smallest block that will do
  EXPECT_EQ(buddy.take(10, MigrateType::movable).frame, FrameNumber(2048));
  EXPECT_EQ(buddy.take(10, MigrateType::movable).frame, FrameNumber(4096));
  EXPECT_EQ(buddy.take(10, MigrateType::movable).frame, no_frame);
}

} // namespace
} // namespace mmsim
