// The way in, up to a page in the swap cache that is being read.
#include "models/operations/user.hpp"
#include "models/reclaim/swap.hpp"
#include "models/system.hpp"

namespace mmsim {

CachedPage* Swap::lookup_swap_cache(Core& core, SwapEntry entry, Vma& vma, PageNumber at) {
  CachedPage* page = cache_.find_get_page(core, entry);
  if (page == nullptr) return nullptr;
  Frame& frame = system_.pages[page->frame];
  // PG_reclaim of a page that is written means something else (PG_readahead shares its bit).
  const bool ahead = (frame.flags & (PG_reclaim | PG_writeback | PG_dirty)) == PG_reclaim;
  if (ahead) {
    core.rmw(page->line); // TestClearPageReadahead()
    frame.flags &= ~std::uint32_t{PG_reclaim};
    system_.counters.add(Counter::swap_ra_hit);
  }
  readahead_->found(vma, at, ahead);
  return page;
}

CachedPage* Swap::read_swap_cache_async(Task& task, SwapEntry entry, bool ahead) {
  FrameNumber frame = no_frame;
  CachedPage* page = nullptr;
  for (;;) {
    Core& core = task.core();
    page = cache_.find_get_page(core, entry);
    if (page != nullptr) break;
    if (!by_page_count_ && slots_->count_now(entry) == 0) break; // read ahead, but meanwhile free
    if (frame == no_frame) frame = system_.pages.alloc_page(core, GFP_HIGHUSER_MOVABLE);
    if (frame == no_frame) break;
    const SwapDuplicate duplicated = slots_->duplicate(core, entry, SwapUser::cache);
    if (duplicated == SwapDuplicate::unused) break;
    if (duplicated == SwapDuplicate::exists) { // its page is about to come or to go
      system_.scheduler.yield(task);
      task.core().charge(task.core().costs().work.swap_slot, Account::work);
      continue;
    }
    Frame& of = system_.pages[frame];
    of.flags |= PG_locked;
    if (!cache_.add_to_swap_cache(core, frame, entry)) {
      of.flags &= ~std::uint32_t{PG_locked};
      slots_->put(core, entry, SwapUser::cache);
      continue;
    }
    page = system_.pages.links(frame).cached;
    ++page->holders; // the caller's, as its reference is
    if (ahead) {
      of.flags |= PG_reclaim; // PG_readahead
      system_.counters.add(Counter::swap_ra);
    }
    system_.lru->lru_cache_add(core, frame);
    io_.readpage(core, frame);
    return page;
  }
  if (frame != no_frame) system_.lru->put_page(task.core(), frame);
  return page;
}

} // namespace mmsim
