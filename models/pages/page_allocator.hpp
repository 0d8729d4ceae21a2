// The page allocator: frames from the zones of the core's own node, else from the others.
//
//   FrameNumber frame = pages.alloc_page(core, GFP_HIGHUSER_MOVABLE);   // may wait
//   if (frame == no_frame) ...                                         // it could not wait, or the task dies
//   if (--pages[frame].refcount == 0) pages.free_page(core, frame);
//
// Models __alloc_pages() -> get_page_from_freelist() -> buffered_rmqueue() of 2.6.24
// (__alloc_pages_nodemask() -> rmqueue() -> rmqueue_pcplist() of 5.10), free_hot_cold_page()
// (free_unref_page()), __pagevec_free() (free_unref_page_list()) and __free_pages_ok(): each zone of the
// zonelist that the watermark allows, order 0 from and to the core's per-CPU list with irqs off, higher
// orders under zone->lock. Where memory is: memory_layout.hpp; what happens below the low watermark:
// alloc_path.hpp, which asks ReclaimHooks; until set_reclaim() nobody reclaims, and an allocation that finds
// nothing above its watermark returns no_frame.
//
// gfp_zero does not clear: who asks for it clears the frame (PageContents), as the frame may be cheap for him
// only.
//
// Left out: memory policies, cpusets, memory cgroups, __GFP_THISNODE; dirty-page limits (__GFP_WRITE).
//
// Costs: machine.work.pcp_alloc, pcp_free a frame through a per-CPU list, booked as `alloc`; what the zone
// charges (zone.hpp) for watermarks, a refill, a drain, a block of a higher order. Zeroing is the caller's.
#pragma once

#include "models/pages/alloc_path.hpp"
#include "models/pages/gfp.hpp"
#include "models/pages/memory_layout.hpp"
#include "models/pages/no_reclaim.hpp"
#include "models/pages/page_links.hpp"
#include "models/pages/pcp.hpp"
#include "models/pages/vm_stat.hpp"
#include "models/pages/zone.hpp"
#include "models/pages/zone_limits.hpp"
#include "sim/machine/machine.hpp"

#include <array>
#include <memory>
#include <span>
#include <vector>

namespace mmsim {

/// gfp_zone(): the highest zone that will do. There is no high memory, so that ZONE_NORMAL comes before
/// ZONE_MOVABLE for all but movable pages.
constexpr ZoneType gfp_zone(Gfp gfp) {
  if (gfp.has(gfp_movable)) return ZoneType::movable;
  if (gfp.has(gfp_dma)) return ZoneType::dma;
  return gfp.has(gfp_dma32) ? ZoneType::dma32 : ZoneType::normal;
}

class ContentStamps;

class PageAllocator {
 public:
  /// The machine's memory, all of it free but for what the kernel has for itself. Throws InputError for
  /// memory that the layout or its limits refuse.
  PageAllocator(Machine& machine, SpinLocks& locks, const Configuration& configuration);
  ~PageAllocator();

  /// Whom the allocator asks when memory runs short. Must outlive it; before the machine runs.
  void set_reclaim(ReclaimHooks& hooks) { reclaim_ = &hooks; }
  ReclaimHooks& reclaim() { return *reclaim_; }

  /// A frame with refcount 1, mapcount 0 and flags 0. no_frame if none may be had: only without gfp_wait, for
  /// a task that dies, or if nobody reclaims. It returns on the same core (reclaim_hooks.hpp).
  [[nodiscard]] FrameNumber alloc_page(Core& core, Gfp gfp = GFP_KERNEL) { return alloc_pages(core, 0, gfp); }
  /// 2^order consecutive frames, of which the first has the reference. no_frame also if order > 3 and reclaim
  /// does not help. Throws std::logic_error for an order above Buddy::max_order.
  [[nodiscard]] FrameNumber alloc_pages(Core& core, unsigned order, Gfp gfp = GFP_KERNEL);
  /// A movable page that is in use when the machine starts to run: of `node`, else of the others. Costs
  /// nothing and leaves the zones their high watermark. no_frame if there is none.
  [[nodiscard]] FrameNumber alloc_page_at_boot(NodeId node);
  /// Frees it: its epoch goes up. Throws Violation if it is not allocated, referenced, still mapped or has a
  /// flag of page_flags_check_at_free.
  void free_page(Core& core, FrameNumber frame, Temperature temperature = Temperature::hot);
  /// Frees what alloc_pages(order) gave; the epochs of all its frames go up.
  void free_pages(Core& core, FrameNumber frame, unsigned order);
  /// Frees each, in the order that kernel.free_page_list says: free_unref_page_list() or __pagevec_free().
  void free_page_list(Core& core, std::span<const FrameNumber> list, Temperature temperature);
  /// drain_local_pages: the core's per-CPU lists go back to their zones.
  void drain_local_pages(Core& core);
  /// What drain_local_pages() on that core would give back.
  bool has_pages_on_lists(CoreId core) const;

  Frame& operator[](FrameNumber frame) { return frames_[frame]; }
  const Frame& operator[](FrameNumber frame) const { return frames_[frame]; }
  FrameTable& frames() { return frames_; }
  PageLinks& links(FrameNumber frame) { return links_[frame]; }
  const PageLinks& links(FrameNumber frame) const { return links_[frame]; }

  /// For whom a core waits that misses the line of a struct page (struct_page_miss.hpp).
  WaitId struct_page() const { return struct_page_; }

  // Where memory is.

  const MemoryLayout& layout() const { return layout_; }
  /// The node whose memory a frame is.
  NodeId node_of(FrameNumber frame) const { return layout_.node_of(frame); }
  /// The zone whose memory a frame is.
  Zone& zone_of(FrameNumber frame) { return *zones_[layout_.zone_of(frame)].zone; }
  /// By their index in layout().zones().
  std::uint32_t zones() const { return static_cast<std::uint32_t>(zones_.size()); }
  Zone& zone_at(std::uint32_t index) { return *zones_[index].zone; }
  const Zone& zone_at(std::uint32_t index) const { return *zones_[index].zone; }
  const PerCpuLists& lists_of(std::uint32_t zone) const { return *zones_[zone].lists; }

  /// Whom paths that move contents tell; null unless run.checks.
  ContentStamps* stamps = nullptr;

  // Statistics.

  VmStat& vm_stat() { return vm_stat_; }
  const VmStat& vm_stat() const { return vm_stat_; }
  /// __inc_zone_page_state() (2.6.24), __mod_lruvec_page_state() (5.10): `frame` becomes `one` more or less
  /// of `item`. With irqs on or off.
  void count_page(Core& core, FrameNumber frame, VmStatItem item, std::int32_t one) {
    core.irq_disable();
    vm_stat_.count_page(core, layout_.zone_of(frame), item, one);
    core.irq_enable();
  }
  const MemoryLimits& limits() const { return limits_; }
  /// In frames, all zones together.
  std::uint64_t managed_frames() const { return managed_; }
  /// In the buddy systems, without per-CPU lists: NR_FREE_PAGES.
  std::uint64_t free_frames() const;
  std::uint64_t allocated_frames() const { return allocated_; }

  /// At a quiescent point: free + per-CPU + allocated = managed, every frame is on the one list that its
  /// state says and of its type, and the counters of free pages are exact. Costs host time for every frame
  /// ever used. Throws Violation with the values.
  void check_invariants() const;

  // The steps of which an AllocPath is made.

  /// One attempt: the first zone that `flags` allow and that has the frames.
  FrameNumber get_page_from_freelist(Core& core, const AllocRequest& request, AllocFlags flags);
  /// wakeup_kswapd() of a zone that is short.
  void wake_kswapd(Core& core, Zone& zone, unsigned order);
  /// try_to_free_pages(): how many pages it has freed.
  std::uint64_t try_to_free_pages(Core*& core, const AllocRequest& request);
  /// drain_all_pages().
  void drain_all_pages(Core*& core);

 private:
  struct ZoneEntry {
    std::unique_ptr<Zone> zone;
    std::unique_ptr<PerCpuLists> lists;
  };
  struct Zonelist {
    std::span<const std::uint32_t> zones;
    ZoneEntry* preferred; // the first of them; null without any
    AllocFlags first;
  };

  ZoneEntry& entry_of(FrameNumber frame) { return zones_[layout_.zone_of(frame)]; }
  void build_zonelists();
  [[gnu::noinline]] FrameNumber alloc_elsewhere(Core& core, unsigned order, Gfp gfp, const Zonelist& list);
  FrameNumber search(Core& core, const AllocRequest& request, AllocFlags flags, std::size_t from);
  FrameNumber rmqueue(Core& core, ZoneEntry& entry, Zone& preferred, unsigned order, Gfp gfp,
                      MigrateType type, const AllocFlags& flags);
  void count_allocation(Core& core, Zone& zone, Zone& preferred, unsigned order);
  void retire(Core& core, FrameNumber frame, unsigned order);
  [[noreturn, gnu::cold]] void bad_free(FrameNumber frame, unsigned order) const;
  [[noreturn, gnu::cold]] static void bad_order(unsigned order);
  std::uint64_t check_lists(const ZoneEntry& entry) const;

  const WaitId struct_page_;
  const MemoryLayout layout_;
  const MemoryLimits limits_;
  FrameTable frames_;
  PageLinksTable links_;
  VmStat vm_stat_;
  std::unique_ptr<AllocPath> path_;
  std::vector<ZoneEntry> zones_;                                 // as layout_.zones()
  std::vector<std::array<Zonelist, zone_type_count>> zonelists_; // by node
  std::vector<NodeId> home_;                                     // by core
  std::array<MigrateType, migrate_type_count> groups_{};         // what becomes of a request's type
  bool free_batched_;
  NoReclaim no_reclaim_;
  ReclaimHooks* reclaim_ = &no_reclaim_;
  std::uint64_t managed_ = 0;
  std::uint64_t allocated_ = 0;
};

} // namespace mmsim
