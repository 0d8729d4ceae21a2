// The pageblocks of a zone: aligned blocks of 2^kernel.pageblock_order frames, each with a migrate type.
//
//   Pageblocks blocks(first, spanned, 9, Pageblocks::grouped);
//   blocks.set_type(frame, MigrateType::unmovable);     // of the pageblock that `frame` is in
//   MigrateType type = blocks.type_of(frame);
//
// Models pageblock_flags with get/set_pageblock_migratetype(), change_pageblock_range() and
// page_group_by_mobility_disabled of mm/page_alloc.c (2.6.24, 5.10). Memory starts all movable, as
// memmap_init_zone() marks it. A byte a pageblock: half a MiB of host memory for a TiB at order 9.
//
// Left out: MIGRATE_ISOLATE, MIGRATE_CMA, the skip bits of compaction.
#pragma once

#include "models/pages/frame.hpp"
#include "models/pages/migrate_type.hpp"

#include <array>
#include <vector>

namespace mmsim {

class Pageblocks {
 public:
  /// What becomes of each type that a request or a pageblock shall have.
  using Groups = std::array<MigrateType, migrate_type_count>;
  static constexpr Groups grouped{MigrateType::unmovable, MigrateType::reclaimable, MigrateType::movable,
                                  MigrateType::reserve};

  /// The pageblocks that cover `spanned` frames from `first`, a multiple of their size. `groups` differs from
  /// `grouped` where page_group_by_mobility_disabled is set.
  Pageblocks(FrameNumber first, std::uint32_t spanned, unsigned order, const Groups& groups);

  unsigned order() const { return order_; }
  /// pageblock_nr_pages.
  std::uint32_t size() const { return std::uint32_t{1} << order_; }
  const Groups& groups() const { return groups_; }
  bool grouping_disabled() const { return groups_ != grouped; }

  /// The first frame of the pageblock.
  FrameNumber first_of(FrameNumber frame) const { return FrameNumber(frame.value() & ~(size() - 1)); }
  /// All of the pageblock that `frame` is in lies within the zone.
  bool whole(FrameNumber frame) const { return first_of(frame).value() + size() <= end_; }

  MigrateType type_of(FrameNumber frame) const { return types_[(frame.value() - first_) >> order_]; }
  /// Where grouping is disabled, the type may become another one (see Groups).
  void set_type(FrameNumber frame, MigrateType type) {
    MigrateType& current = types_[(frame.value() - first_) >> order_];
    --count_[index(current)];
    current = groups_[index(type)];
    ++count_[index(current)];
  }
  /// change_pageblock_range(): all pageblocks of a free block that is no smaller than one.
  void set_range(FrameNumber block, unsigned order, MigrateType type);

  /// Number of pageblocks of that type, one that the zone's end cuts included: /proc/pagetypeinfo.
  std::uint32_t count(MigrateType type) const { return count_[index(type)]; }
  /// count() is what one walk over all of them finds. Throws Violation.
  void check() const;

 private:
  const std::uint32_t first_, end_;
  const unsigned order_;
  const Groups groups_;
  std::vector<MigrateType> types_;
  std::array<std::uint32_t, migrate_type_count> count_{};
};

} // namespace mmsim
