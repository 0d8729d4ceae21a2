// Grouping by mobility with a reserve: __rmqueue_fallback() and setup_zone_migrate_reserve() of
// mm/page_alloc.c, 2.6.24.
//
// The largest block of the other types is broken. If it is large, or if reclaimable memory is wanted, all
// free memory of its pageblock moves to the new type, and with half of the pageblock free the pageblock
// becomes one of that type. The first pageblocks of a zone, as many as pages_min fills, are MIGRATE_RESERVE
// and come last.
//
// Unlike 2.6.24, a block larger than a pageblock takes all of its pageblocks along (change_pageblock_range(),
// 2009): with Arm's pageblocks of MAX_ORDER - 1 there is no such block.
#include "models/pages/page_mobility.hpp"

namespace mmsim {
namespace {

using enum MigrateType;

// fallbacks[], without MIGRATE_RESERVE at the end of each row. By the order of MigrateType.
constexpr std::array<std::array<MigrateType, 2>, 3> fallbacks{
    {{reclaimable, movable}, {unmovable, movable}, {reclaimable, unmovable}}};

class MigrateReserve final : public PageMobility {
 public:
  MigrateReserve()
      : PageMobility({.tail_if_merge_likely = false,
                      .moved_to = ListEnd::front,
                      .min_blocks = 5, // with MIGRATE_ISOLATE
                      .disabled = {unmovable, unmovable, unmovable, unmovable},
                      .free_area = {.line = 32, .order = 44, .list = 16, .nr_free = 40}}) {}

  Buddy::Taken fallback(Buddy& buddy, unsigned order, MigrateType type, bool) override {
    if (type == reserve) return {no_frame};
    for (unsigned current = Buddy::max_order + 1; current-- > order;)
      for (const MigrateType other : fallbacks[index(type)])
        if (const FrameNumber block = buddy.front(current, other); block != no_frame)
          return steal(buddy, block, current, order, type, other);
    return fallen_back(buddy.take_smallest(order, reserve));
  }

  void setup_reserve(Buddy& buddy, std::uint64_t pages_min) override {
    Pageblocks& blocks = buddy.pageblocks();
    std::uint64_t wanted = (pages_min + blocks.size() - 1) >> blocks.order();
    std::uint32_t to_see = blocks.count(reserve);
    for (FrameNumber block = buddy.first(); block < buddy.end() && (wanted != 0 || to_see != 0);
         block = block + blocks.size()) {
      const MigrateType type = blocks.type_of(block);
      if (type == reserve) --to_see;
      if (wanted != 0 && (type == reserve || type == movable)) {
        if (type == movable) set(buddy, block, reserve);
        --wanted;
      } else if (type == reserve) {
        set(buddy, block, movable);
      }
    }
  }

 private:
  static Buddy::Taken fallen_back(Buddy::Taken taken) {
    taken.fell_back = taken.frame != no_frame;
    return taken;
  }

  static Buddy::Taken steal(Buddy& buddy, FrameNumber block, unsigned current, unsigned order,
                            MigrateType type, MigrateType other) {
    Pageblocks& blocks = buddy.pageblocks();
    Buddy::Moved moved;
    MigrateType rest = other;
    if (current >= blocks.order() / 2 || type == reclaimable) {
      moved = buddy.move_pageblock(block, type);
      if (moved.frames >= blocks.size() / 2) blocks.set_type(block, type);
      rest = type;
    }
    if (current >= blocks.order()) blocks.set_range(block, current, type);
    Buddy::Taken taken = buddy.split(block, order, rest);
    taken.moved = moved.blocks;
    taken.scanned = moved.scanned;
    return fallen_back(taken);
  }

  static void set(Buddy& buddy, FrameNumber block, MigrateType type) {
    buddy.use_up_to(block);
    buddy.pageblocks().set_type(block, type);
    buddy.move_pageblock(block, type);
  }
};

const Registered<PageMobility> migrate_reserve{"reserve",
                                               "largest block first, and a reserve that comes last (2.6.24)",
                                               [] { return std::make_unique<MigrateReserve>(); }};

} // namespace
} // namespace mmsim
