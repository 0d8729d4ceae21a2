// __alloc_pages_slowpath() of mm/page_alloc.c, 5.10, with gfp_to_alloc_flags(), __gfp_pfmemalloc_flags(),
// __alloc_pages_direct_reclaim(), should_reclaim_retry(), __alloc_pages_may_oom() and
// alloc_flags_nofragment().
//
// Left out: direct compaction (and with it what costly orders try first), cpusets, node_reclaim (off by
// default), __GFP_NORETRY, __GFP_RETRY_MAYFAIL and __GFP_NOFAIL, oom_lock (the hook is to see to it that one kills at a time), real-time tasks.
#include "models/pages/alloc_path.hpp"
#include "models/pages/page_allocator.hpp"
#include "models/pages/reclaim_hooks.hpp"

namespace mmsim {
namespace {

class Slowpath final : public AllocPath {
 public:
  explicit Slowpath(PageAllocator& pages) : pages_(pages) {}

  WatermarkRule watermark_rule() const override { return WatermarkRule::one_block; }

  bool avoids_fragments(const Zone& preferred, bool one_node_or_dma32) const override {
    return preferred.type() == ZoneType::normal &&
           one_node_or_dma32; // rather ZONE_DMA32 than mixed pageblocks
  }

  FrameNumber slowpath(Core*& core, const AllocRequest& request) override {
    const bool costly = request.order > page_alloc_costly_order;
    ReclaimHooks& reclaim = pages_.reclaim();
    int no_progress_loops = 0;
    AllocFlags flags = gfp_to_alloc_flags(request.gfp);
    wake_all_kswapds(*core, request);
    FrameNumber frame = pages_.get_page_from_freelist(*core, request, flags);
    while (frame == no_frame) { // retry:
      wake_all_kswapds(*core, request);
      const bool memalloc =
          request.gfp.has(gfp_memalloc) || (!core->in_interrupt() && reclaim.memalloc(*core));
      if (memalloc)
        flags = {.mark = Watermark::min, .no_watermarks = true};
      else if (!core->in_interrupt() && reclaim.dying(*core))
        flags = {.mark = Watermark::min, .oom = true};
      frame = pages_.get_page_from_freelist(*core, request, flags);
      if (frame != no_frame) break;

      // Who cannot wait cannot balance anything, and who reclaims does not do so in turn.
      if (!request.gfp.has(gfp_wait) || memalloc) break;

      const std::uint64_t freed = pages_.try_to_free_pages(core, request);
      if (freed != 0) frame = after_reclaim(core, request, flags);
      if (frame != no_frame || costly || request.gfp.has(gfp_noretry)) break;
      if (should_reclaim_retry(core, request, flags, freed != 0, no_progress_loops)) continue;

      // __alloc_pages_may_oom(): only somebody else's kill can have brought that much.
      frame = pages_.get_page_from_freelist(*core, request, {Watermark::high});
      if (frame != no_frame) break;
      if (request.highest < ZoneType::normal) break; // OOM kills nobody for low memory
      const bool killed = reclaim.out_of_memory(core, request.order, request.gfp);
      if (reclaim.dying(*core) && flags.oom) break; // it has had the reserve already
      if (!killed) break;
      no_progress_loops = 0;
    }
    return frame;
  }

 private:
  static AllocFlags gfp_to_alloc_flags(Gfp gfp) {
    const bool atomic = gfp.has(gfp_high) && !gfp.has(gfp_wait); // __GFP_ATOMIC; GFP_NOWAIT is not
    return {.mark = Watermark::min, .high = gfp.has(gfp_high), .harder = atomic};
  }

  // wakeup_kswapd() once for each run of a node's zones in the zonelist, unless pgdat_balanced().
  void wake_all_kswapds(Core& core, const AllocRequest& request) {
    const Zone* last = nullptr;
    for (const std::uint32_t index : request.zonelist) {
      Zone& zone = pages_.zone_at(index);
      if (last == nullptr || last->node() != zone.node()) {
        if (!balanced(core, zone.node(), request)) pages_.wake_kswapd(core, zone, request.order);
      }
      last = &zone;
    }
  }

  bool balanced(Core& core, NodeId node, const AllocRequest& request) {
    for (const ZoneSpan& span : pages_.layout().zones()) {
      if (span.node != node || span.type > request.highest) continue;
      Zone& zone = pages_.zone_at(static_cast<std::uint32_t>(&span - pages_.layout().zones().data()));
      if (zone.watermark_ok(core, request.order, {Watermark::high}, request.highest)) return true;
    }
    return false;
  }

  // What reclaim has freed may stand on the lists of other CPUs or in a reserve: have that back, once.
  FrameNumber after_reclaim(Core*& core, const AllocRequest& request, const AllocFlags& flags) {
    FrameNumber frame = pages_.get_page_from_freelist(*core, request, flags);
    if (frame != no_frame) return frame;
    unreserve_highatomic(*core, request, false);
    pages_.drain_all_pages(core);
    return pages_.get_page_from_freelist(*core, request, flags);
  }

  bool unreserve_highatomic(Core& core, const AllocRequest& request, bool force) {
    for (const std::uint32_t index : request.zonelist)
      if (pages_.zone_at(index).unreserve_highatomic(core, request.type, force)) return true;
    return false;
  }

  bool should_reclaim_retry(Core*& core, const AllocRequest& request, const AllocFlags& flags, bool progress,
                            int& no_progress_loops) {
    constexpr int max_reclaim_retries = 16;
    if (progress)
      no_progress_loops = 0;
    else
      ++no_progress_loops;
    if (no_progress_loops > max_reclaim_retries) return unreserve_highatomic(*core, request, true);
    AllocFlags min = flags;
    min.mark = Watermark::min;
    for (const std::uint32_t index : request.zonelist) {
      Zone& zone = pages_.zone_at(index);
      const std::uint64_t reclaimable = pages_.reclaim().zone_reclaimable_pages(zone);
      const std::uint64_t available = zone.free_pages_snapshot() + reclaimable;
      if (!zone.watermark_ok(*core, request.order, min, request.highest, available)) continue;
      if (!progress) pages_.reclaim().wait_for_writes(core, zone, reclaimable);
      return true;
    }
    return false;
  }

  PageAllocator& pages_;
};

const Registered<AllocPath> slowpath{
    "slowpath", "__alloc_pages_slowpath: retries as long as reclaim gets anywhere (5.10)",
    [](PageAllocator& pages) { return std::make_unique<Slowpath>(pages); }};

} // namespace
} // namespace mmsim
