// A buddy system alone, and tools to lay its memory out by hand.
#pragma once

#include "models/pages/page_mobility.hpp"

#include <cstdint>

namespace mmsim::tests {

/// Memory of `blocks` blocks of the highest order.
struct BuddyMemory {
  BuddyMemory(const char* mobility, unsigned pageblock_order, std::uint32_t blocks = 8)
      : BuddyMemory(mobility, pageblock_order, Buddy::Extent{start, blocks * 1024, blocks * 1024}) {}
  BuddyMemory(const char* mobility, unsigned pageblock_order, const Buddy::Extent& extent,
              std::uint64_t vm_total_pages = UINT64_MAX)
      : frames(start + (extent.spanned + 2 * Buddy::max_block)),
        buddy(frames, extent, {mobility, pageblock_order}, vm_total_pages) {}

  /// A whole block of the highest order, allocated as 1024 single frames on the LRU, its pageblocks of `type`.
  FrameNumber used(MigrateType type) {
    const FrameNumber block = buddy.take(10, MigrateType::movable).frame;
    for (std::uint32_t i = 0; i < 1024; ++i) {
      Frame& f = frames[block + i];
      f.state = FrameState::allocated;
      f.order = 0;
      f.flags = PG_lru;
    }
    buddy.pageblocks().set_range(block, 10, type);
    return block;
  }
  /// Frees 2^order frames of it.
  FrameNumber free(FrameNumber first, unsigned order) {
    for (std::uint32_t i = 0; i < 1u << order; ++i) {
      frames[first + i].flags = 0;
      buddy.put(first + i, 0);
    }
    return first;
  }
  void no_lru(FrameNumber first, std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i)
      frames[first + i].flags = 0;
  }
  /// Nothing free but what a test frees itself.
  void use_rest() {
    for (FrameNumber block; (block = buddy.take(10, MigrateType::movable).frame) != no_frame;)
      frames[block].state = FrameState::allocated;
  }
  MigrateType type_of(FrameNumber frame) const { return buddy.pageblocks().type_of(frame); }

  static constexpr FrameNumber start{4096};
  FrameTable frames;
  Buddy buddy;
};

} // namespace mmsim::tests
