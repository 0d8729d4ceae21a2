// Grouping by mobility with a reserve for high orders: __rmqueue_fallback(), find_suitable_fallback(),
// steal_suitable_fallback(), reserve_highatomic_pageblock() and unreserve_highatomic_pageblock() of
// mm/page_alloc.c, 5.10.
//
// The largest block of the other types is stolen, with all free memory of its pageblock if it is large or the
// request is for kernel memory; a pageblock of which half is free or in like use changes its type. Only a
// movable request that may not steal so much takes the smallest block. MIGRATE_HIGHATOMIC is nobody's
// fallback: pageblocks come to it when high orders were allocated without waiting, and leave it before the
// machine is out of memory.
//
// Left out: MIGRATE_CMA, __PageMovable() pages (movable are those on the LRU).
#include "models/pages/page_mobility.hpp"

#include <algorithm>

namespace mmsim {
namespace {

using enum MigrateType;

// fallbacks[]. By the order of MigrateType.
constexpr std::array<std::array<MigrateType, 2>, 3> fallbacks{
    {{reclaimable, movable}, {unmovable, movable}, {reclaimable, unmovable}}};

class MigrateHighatomic final : public PageMobility {
 public:
  MigrateHighatomic()
      : PageMobility({.tail_if_merge_likely = true,
                      .moved_to = ListEnd::back,
                      .min_blocks = 6, // with MIGRATE_CMA and MIGRATE_ISOLATE (arm64 defconfig)
                      .disabled = {unmovable, unmovable, unmovable, reserve},
                      .free_area = {.line = 64, .order = 104, .list = 16, .nr_free = 96}}) {}

  Buddy::Taken fallback(Buddy& buddy, unsigned order, MigrateType type, bool no_fragment) override {
    if (type == reserve) return {no_frame};
    const unsigned least = no_fragment ? std::max(order, buddy.pageblocks().order()) : order;
    unsigned current = Buddy::max_order;
    FrameNumber block = first_fallback(buddy, current, type);
    while (block == no_frame && current > least)
      block = first_fallback(buddy, --current, type);
    if (block == no_frame) return {no_frame};
    // Better the smallest than a part of the largest, where movable pages would only be scattered over.
    if (type == movable && current > order && !can_steal(buddy, current, type)) {
      current = order;
      while ((block = first_fallback(buddy, current, type)) == no_frame)
        ++current;
    }
    bool boost = false;
    const Buddy::Moved moved = steal(buddy, block, current, type, boost);
    Buddy::Taken taken = buddy.take_smallest(order, type);
    taken.moved = moved.blocks;
    taken.scanned = moved.scanned;
    taken.fell_back = true;
    taken.boost_watermark = boost;
    return taken;
  }

  bool may_reserve_highatomic(const Buddy& buddy) const override {
    return reserved_ < buddy.managed_frames() / 100 + buddy.pageblocks().size();
  }

  Buddy::Moved reserve_highatomic(Buddy& buddy, FrameNumber frame) override {
    Pageblocks& blocks = buddy.pageblocks();
    if (!may_reserve_highatomic(buddy) || blocks.type_of(frame) == reserve) return {};
    reserved_ += blocks.size();
    blocks.set_type(frame, reserve);
    return buddy.move_pageblock(frame, reserve);
  }

  bool may_unreserve_highatomic(const Buddy& buddy, bool force) const override {
    return force || reserved_ > buddy.pageblocks().size();
  }

  Buddy::Moved unreserve_highatomic(Buddy& buddy, MigrateType type, bool force) override {
    if (!may_unreserve_highatomic(buddy, force)) return {};
    Pageblocks& blocks = buddy.pageblocks();
    for (unsigned order = 0; order <= Buddy::max_order; ++order) {
      const FrameNumber frame = buddy.front(order, reserve);
      if (frame == no_frame) continue;
      if (blocks.type_of(frame) == reserve) reserved_ -= std::min<std::uint64_t>(blocks.size(), reserved_);
      blocks.set_type(frame, type);
      if (const Buddy::Moved moved = buddy.move_pageblock(frame, type); moved.frames != 0) return moved;
    }
    return {};
  }

  std::uint64_t reserved_highatomic() const override { return reserved_; }

 private:
  // find_suitable_fallback(): the first block of that order on a list that may help out.
  static FrameNumber first_fallback(Buddy& buddy, unsigned order, MigrateType type) {
    for (const MigrateType other : fallbacks[index(type)])
      if (const FrameNumber block = buddy.front(order, other); block != no_frame) return block;
    return no_frame;
  }

  // can_steal_fallback(): whether the whole pageblock may come along.
  static bool can_steal(const Buddy& buddy, unsigned order, MigrateType type) {
    return order >= buddy.pageblocks().order() / 2 || type != movable ||
           buddy.pageblocks().grouping_disabled();
  }

  // steal_suitable_fallback().
  static Buddy::Moved steal(Buddy& buddy, FrameNumber block, unsigned order, MigrateType type, bool& boost) {
    Pageblocks& blocks = buddy.pageblocks();
    const MigrateType old_type = blocks.type_of(block);
    if (old_type != reserve && order >= blocks.order()) {
      blocks.set_range(block, order, type);
    } else if (old_type != reserve) {
      boost = true;
      if (can_steal(buddy, order, type)) {
        const Buddy::Moved moved = buddy.move_pageblock(block, type);
        std::uint32_t alike = 0;
        if (type == movable)
          alike = moved.movable;
        else if (old_type == movable)
          alike = blocks.size() - (moved.frames + moved.movable);
        if (moved.frames != 0) {
          if (moved.frames + alike >= blocks.size() / 2 || blocks.grouping_disabled())
            blocks.set_type(block, type);
          return moved;
        }
      }
    }
    buddy.move(block, type); // this one alone
    return {.blocks = 1};
  }

  std::uint64_t reserved_ = 0; // frames
};

const Registered<PageMobility> migrate_highatomic{
    "highatomic", "pageblocks are stolen if half is free or alike; a reserve for high orders (5.10)",
    [] { return std::make_unique<MigrateHighatomic>(); }};

} // namespace
} // namespace mmsim
