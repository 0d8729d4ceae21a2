// What is in a page, as far as it costs: clearing and copying.
//
//   contents.clear_page(core, frame);
//   contents.copy_page(core, from, to);
//
// Models clear_page() and copy_page() of 2.6.24 and 5.10 (clear_user_highpage(), copy_user_highpage() above
// them). The part of a page that is still in the core's own cache (core_cache.hpp) is cleared or copied
// there, at machine.page.zero_hot and machine.page.copy_hot; the rest costs its share of machine.page.zero
// and machine.page.copy, and goes over the memory of the frame's own node, at the bandwidth that this has
// left. Both frames of a copy are in the core's cache afterwards: that is why a page that was just freed is
// worth more than a cold one.
//
// Only these two touch a page's contents as a whole. A user's store to a page that the fault has just cleared
// finds it in the cache and changes little; what user code does later is not followed (it knows pages, not
// bytes).
//
// Left out: write-backs of what is pushed out of a cache; streaming stores that go past the cache; that the
// far node of a copy is slower even when nobody else uses it.
#pragma once

#include "models/pages/page_allocator.hpp"

namespace mmsim {

class PageContents {
 public:
  PageContents(Machine& machine, PageAllocator& pages) : machine_(machine), pages_(pages) {}

  /// A frame, cleared if `gfp` has gfp_zero (prep_new_page()); no_frame as PageAllocator::alloc_page().
  [[nodiscard]] FrameNumber alloc_page(Core& core, Gfp gfp) {
    const FrameNumber frame = pages_.alloc_page(core, gfp);
    if (frame != no_frame && gfp.has(gfp_zero)) clear_page(core, frame);
    return frame;
  }
  void clear_page(Core& core, FrameNumber frame);
  void copy_page(Core& core, FrameNumber from, FrameNumber to);

 private:
  Machine& machine_;
  PageAllocator& pages_;
};

} // namespace mmsim
