// __alloc_pages() of mm/page_alloc.c, 2.6.24.
//
// Left out: the zonelist cache (zlc: zones found full are passed over for a second), cpusets, zone_reclaim
// (off by default), __GFP_NORETRY, __GFP_NOFAIL and __GFP_REPEAT, __GFP_FS (all who may wait may write),
// try_set_zone_oom() (the hook is to see to it that one kills at a time), real-time tasks.
#include "models/pages/alloc_path.hpp"
#include "models/pages/page_allocator.hpp"
#include "models/pages/reclaim_hooks.hpp"

namespace mmsim {
namespace {

class Classic final : public AllocPath {
 public:
  explicit Classic(PageAllocator& pages) : pages_(pages) {}

  WatermarkRule watermark_rule() const override { return WatermarkRule::each_order; }

  FrameNumber slowpath(Core*& core, const AllocRequest& request) override {
    const bool wait = request.gfp.has(gfp_wait);
    ReclaimHooks& reclaim = pages_.reclaim();
    while (true) { // restart:
      wake_kswapds(*core, request);
      const AllocFlags flags{.mark = Watermark::min, .high = request.gfp.has(gfp_high), .harder = !wait};
      FrameNumber frame = pages_.get_page_from_freelist(*core, request, flags);
      if (frame != no_frame) return frame;

      std::uint64_t freed;
      do { // rebalance:
        if (!core->in_interrupt() && (request.gfp.has(gfp_memalloc) || reclaim.memalloc(*core) || reclaim.dying(*core)))
          return pages_.get_page_from_freelist(*core, request, {.no_watermarks = true});
        if (!wait) return no_frame;

        freed = pages_.try_to_free_pages(core, request);
        if (request.order != 0) pages_.drain_all_pages(core);
        if (freed == 0) break;
        frame = pages_.get_page_from_freelist(*core, request, flags);
        if (frame != no_frame) return frame;
        if (request.order <= page_alloc_costly_order) reclaim.wait_before_retry(core);
      } while (request.order <= page_alloc_costly_order);
      if (freed != 0) return no_frame;

      // Only somebody else's OOM kill can have made this true.
      frame = pages_.get_page_from_freelist(*core, request, {Watermark::high});
      if (frame != no_frame) return frame;
      if (request.order > page_alloc_costly_order) return no_frame;
      if (!reclaim.out_of_memory(core, request.order, request.gfp)) return no_frame;
      frame = pages_.get_page_from_freelist(*core, request, {Watermark::low});
      if (frame != no_frame) return frame;
    }
  }

 private:
  // wakeup_kswapd() of each zone, which looks at the low watermark itself.
  void wake_kswapds(Core& core, const AllocRequest& request) {
    for (const std::uint32_t index : request.zonelist) {
      Zone& zone = pages_.zone_at(index);
      if (!zone.watermark_ok(core, request.order, {Watermark::low}, ZoneType::dma))
        pages_.wake_kswapd(core, zone, request.order);
    }
  }

  PageAllocator& pages_;
};

const Registered<AllocPath> classic{"classic", "__alloc_pages: one path for all (2.6.24)",
                                    [](PageAllocator& pages) { return std::make_unique<Classic>(pages); }};

} // namespace
} // namespace mmsim
