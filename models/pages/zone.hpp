// A zone: a part of a node's memory, its buddy system under zone->lock, its watermarks.
//
//   if (zone.watermark_ok(core, order, {Watermark::low}, ZoneType::normal)) {
//     core.irq_disable();
//     frame = zone.take(core, order, MigrateType::movable, {Watermark::low});   // or per-CPU lists, pcp.hpp
//
// Models struct zone of 2.6.24 and 5.10 with zone_watermark_ok(), rmqueue_bulk(), free_pages_bulk() (2.6.24;
// free_pcppages_bulk() in 5.10), the order > 0 halves of buffered_rmqueue()/rmqueue() and __free_pages_ok(),
// and zone_statistics(). The lock stands on its own cache line; the heads of the free lists are the lines of
// free_area_lines.hpp, of which each holder fetches those of the orders that he changes; the published
// counters are one more (vm_stat.hpp). Struct pages are fetched under the lock (struct_page_miss.hpp):
// - of a block that is taken, unless it follows the one taken before: frames in a row are fetched ahead by
//   hardware;
// - of the buddies that a free looks at, unless they are in the row of frames that is being freed;
// - of the first block of each list that a holder changes, which is relinked, once in a hold.
//
// Left out: watermark boosts; further neighbours on free lists; the lists to which a pageblock's
// blocks move.
#pragma once

#include "models/locks/spinlock.hpp"
#include "models/pages/buddy.hpp"
#include "models/pages/free_area_lines.hpp"
#include "models/pages/memory_layout.hpp"
#include "models/pages/vm_stat.hpp"
#include "models/pages/zone_limits.hpp"

#include <array>
#include <memory>

namespace mmsim {

class Core;
struct FrameRow;
struct PageMobilityParameters;

/// Whether a page's contents are likely to be in the core's cache: __GFP_COLD, free_hot_cold_page().
enum class Temperature : std::uint8_t { hot, cold };

/// Which of a zone's watermarks an attempt has to leave untouched.
enum class Watermark : std::uint8_t { min, low, high };

/// ALLOC_*: how far one attempt of an allocation may go.
struct AllocFlags {
  Watermark mark = Watermark::low;
  bool high = false;          ///< ALLOC_HIGH: half of the mark will do
  bool harder = false;        ///< ALLOC_HARDER: three quarters of that
  bool oom = false;           ///< ALLOC_OOM: half of that (5.10)
  bool no_watermarks = false; ///< ALLOC_NO_WATERMARKS
  bool no_fragment = false;   ///< ALLOC_NOFRAGMENT: whole pageblocks of other types only (5.10)
};

/// What zone_watermark_ok() asks of free blocks if a block of higher order is wanted.
enum class WatermarkRule : std::uint8_t {
  each_order, ///< 2.6.24: what is free in lower orders does not count, against half the mark for each
  one_block,  ///< 5.10: the mark holds for all that is free, and one block that will do
};

/// Events of a zone: PGALLOC and NUMA_*. Per-CPU counts in the kernel, so that they cost no shared line.
struct ZoneEvents {
  std::uint64_t pgalloc = 0; ///< in frames
  std::uint64_t numa_hit = 0, numa_miss = 0,
                numa_foreign = 0;               ///< allocations: as wished; not; wished elsewhere
  std::uint64_t numa_local = 0, numa_other = 0; ///< allocations by CPUs of the node, and by others
};

/// What all zones of a kernel have in common.
struct ZoneMeans {
  FrameTable& frames;
  SpinLocks& locks;
  VmStat& vm_stat;
  const PageMobilityParameters& mobility;
  WatermarkRule rule;
  bool counts_each;             ///< a refill counts every page for itself (2.6.24)
  std::uint64_t vm_total_pages; ///< managed by all zones
};

/// Costs: lock and unlock; writes of the lines of the free lists; machine.work.buddy_alloc or buddy_free a
/// block, buddy_step a split, a merge or a block that changes its list, line.hit a struct page that a look at
/// a whole pageblock meets, and what struct_page_miss.hpp says; all booked as `alloc`. Counters: vm_stat.hpp.
class Zone {
 public:
  Zone(const ZoneMeans& means, std::uint32_t index, const ZoneSpan& span, const ZoneLimits& limits);

  /// In MemoryLayout::zones().
  std::uint32_t index() const { return index_; }
  NodeId node() const { return span_.node; }
  ZoneType type() const { return span_.type; }
  const ZoneSpan& span() const { return span_; }
  const ZoneLimits& limits() const { return limits_; }
  FrameTable& frames() { return frames_; }
  const Buddy& buddy() const { return buddy_; }
  bool contains(FrameNumber frame) const { return frame >= buddy_.first() && frame < buddy_.end(); }

  /// zone_watermark_ok() (5.10: zone_watermark_fast()), by the published number of free pages: an allocation
  /// that could use zones up to `highest` would leave the mark and the reserve against it untouched. Without
  /// the lock.
  bool watermark_ok(Core& core, unsigned order, const AllocFlags& flags, ZoneType highest) {
    const std::int64_t free = vm_stat_.read(core, index_, NR_FREE_PAGES);
    // zone_watermark_fast(): most often there is enough even for those who may have least.
    if (order == 0 && free > reserved_highatomic_ + mark(flags.mark) +
                                 limits_.lowmem_reserve[static_cast<std::size_t>(highest)])
      return true;
    return watermark_ok(core, order, flags, highest, free);
  }
  /// The same if this many were free.
  bool watermark_ok(Core& core, unsigned order, const AllocFlags& flags, ZoneType highest, std::int64_t free);
  /// zone_page_state_snapshot(): the exact number. (What it costs to read all CPUs' differentials is left
  /// out.)
  std::int64_t free_pages_snapshot() const { return vm_stat_.exact_now(index_, NR_FREE_PAGES); }

  /// One frame for the contents of memory at boot, at no cost. no_frame below the high watermark.
  FrameNumber take_at_boot(MigrateType type);

  // The rest is called with irqs off on `core`.

  /// One block for an order > 0 or without lists: __rmqueue() under the lock; no_frame if there is none. The
  /// caller sets its state.
  FrameNumber take(Core& core, unsigned order, MigrateType type, const AllocFlags& flags);
  /// free_one_page().
  void put(Core& core, FrameNumber frame, unsigned order);
  /// rmqueue_bulk(): up to `count` frames of `type` for a per-CPU list, such that allocations from that `end`
  /// get them in the order in which the buddy system gave them. Their `flags` say the type. Returns how many
  /// there were.
  std::uint32_t refill(Core& core, FrameList& list, std::uint32_t count, ListEnd end, MigrateType type,
                       bool no_fragment);
  /// free_pages_bulk() (2.6.24): `count` frames, or all there are, from the back of a per-CPU list.
  void drain(Core& core, FrameList& list, std::uint32_t count);
  /// The second half of free_pcppages_bulk() (5.10): all of them, from the front, each to the type that its
  /// `flags` say. Whoever put the first `fetched` of them there has looked at their buddies already.
  void drain_prepared(Core& core, FrameList& list, std::uint32_t fetched);

  /// reserve_highatomic_pageblock(): `frame` has just been given to one who cannot wait. With irqs on.
  void reserve_highatomic(Core& core, FrameNumber frame);
  /// unreserve_highatomic_pageblock() in this zone; false if there was nothing to give. With irqs on.
  bool unreserve_highatomic(Core& core, MigrateType type, bool force);

  ZoneEvents events;

  // What 2.6.24's reclaim notes here under lru_lock, and whoever gives pages back clears under the zone's lock.

  std::uint64_t pages_scanned = 0; ///< since pages were last freed
  bool all_unreclaimable = false;  ///< it has been scanned several times over in vain

 private:
  std::uint32_t mark(Watermark which) const { return marks_[static_cast<std::size_t>(which)]; }
  void enter(Core& core);
  void charge_taken(Core& core, const Buddy::Taken& taken, bool ahead);
  void write_lists(Core& core, unsigned lowest, unsigned highest, FrameNumber own);
  FrameRow row_of(FrameNumber frame, std::uint32_t Frame::*link);
  void give_back(Core& core, FrameNumber frame, unsigned order, MigrateType type, const FrameRow& row,
                 bool fetched);
  void charge_moved(Core& core, const Buddy::Moved& moved);

  FrameTable& frames_;
  VmStat& vm_stat_;
  const WatermarkRule rule_;
  const bool counts_each_;
  const std::uint32_t index_;
  const ZoneSpan span_;
  const ZoneLimits limits_;
  const std::array<std::uint32_t, 3> marks_; // by Watermark
  Buddy buddy_;
  std::int64_t reserved_highatomic_ = 0; // nr_reserved_highatomic
  std::unique_ptr<SpinLock> lock_;
  FreeAreaLines free_area_;
};

} // namespace mmsim
