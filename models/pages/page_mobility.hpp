// Grouping by mobility: from which other type's blocks a request is served when its own type has none.
//
//   auto mobility = Registry<PageMobility>::instance().create("highatomic");
//   Buddy::Taken taken = mobility->fallback(buddy, order, type, false);      // Buddy::take() does it
//   mobility->setup_reserve(buddy, pages_min);                               // at the start, 2.6.24
//   if (mobility->may_reserve_highatomic(buddy))                             // 5.10: without zone->lock,
//     mobility->reserve_highatomic(buddy, frame);                            // then with it
//
// One rule a file (migrate_none.cpp, migrate_reserve.cpp, migrate_highatomic.cpp), chosen by
// kernel.page_mobility; each says which kernel it follows. One object a zone, called under its lock unless
// said otherwise.
#pragma once

#include "models/pages/buddy.hpp"
#include "models/pages/free_area_lines.hpp"
#include "sim/engine/parameter.hpp"
#include "sim/engine/registry.hpp"

#include <functional>
#include <memory>
#include <string>

namespace mmsim {

class PageMobility {
 public:
  static constexpr std::string_view registry_path = "kernel.page_mobility";
  using Factory = std::function<std::unique_ptr<PageMobility>()>;

  /// What the buddy system itself does differently.
  struct Rules {
    bool tail_if_merge_likely;   ///< __free_one_page(): buddy_merge_likely() puts a block at the back
    ListEnd moved_to;            ///< move_freepages(): where blocks come on their new list
    std::uint64_t min_blocks;    ///< MIGRATE_TYPES: so many pageblocks of memory, or grouping is disabled,
    Pageblocks::Groups disabled; ///< and this becomes of the types then
    FreeAreaSizes free_area;     ///< struct free_area
  };

  virtual ~PageMobility() = default;
  const Rules& rules() const { return rules_; }

  /// __rmqueue_fallback(): `type` has no block of that order or above.
  virtual Buddy::Taken fallback(Buddy& buddy, unsigned order, MigrateType type, bool no_fragment) = 0;

  /// setup_zone_migrate_reserve(): once at the start, and whenever pages_min changes.
  virtual void setup_reserve(Buddy&, std::uint64_t) {}

  /// The look at the limit before reserve_highatomic(), without the lock.
  virtual bool may_reserve_highatomic(const Buddy&) const { return false; }
  /// reserve_highatomic_pageblock(): the pageblock of a `frame` just allocated of a high order by one who
  /// cannot wait (order > 0, ALLOC_HARDER). Looks at the limit again.
  virtual Buddy::Moved reserve_highatomic(Buddy&, FrameNumber) { return {}; }
  /// The look at the reserve before unreserve_highatomic(), without the lock.
  virtual bool may_unreserve_highatomic(const Buddy&, bool) const { return false; }
  /// unreserve_highatomic_pageblock() in this zone: one pageblock for `type`, before a request fails; the
  /// last reserved one too if `force`. Frames is 0 if there was none with free memory.
  virtual Buddy::Moved unreserve_highatomic(Buddy&, MigrateType, bool) { return {}; }
  /// nr_reserved_highatomic, in frames.
  virtual std::uint64_t reserved_highatomic() const { return 0; }

 protected:
  explicit PageMobility(const Rules& rules) : rules_(rules) {}

 private:
  const Rules rules_;
};

struct PageMobilityParameters {
  std::string mobility = "highatomic";
  std::int64_t pageblock_order = 9;
  static void declare(Declaration& d, PageMobilityParameters& p) {
    d("kernel.page_mobility", p.mobility, "highatomic", "grouping of free memory by mobility")
        .registered<PageMobility>();
    d("kernel.pageblock_order", p.pageblock_order, 9, "pages of a pageblock, as a power of two",
      "5.10 pageblock-flags.h: that of a huge page, 9 with 4 KiB pages; MAX_ORDER - 1 = 10 without them "
      "(2.6.24 on Arm)")
        .at_least(1)
        .at_most(Buddy::max_order);
  }
};
inline const DeclareParameters<PageMobilityParameters> declared_page_mobility_parameters;

} // namespace mmsim
