// The way out: an anonymous page gets a slot, is written, and leaves memory; or it keeps its frame and gives up the
// slot.
#include "models/reclaim/swap.hpp"
#include "models/system.hpp"

namespace mmsim {

bool Swap::add_to_swap(Core& core, FrameNumber frame) {
  if (slots() == 0) return false;
  SwapEntry entry;
  for (;;) {
    entry = slots_->get_swap_page(core);
    if (!entry) {
      system_.counters.add(Counter::swap_full);
      return false;
    }
    if (cache_.add_to_swap_cache(core, frame, entry)) break;
    slots_->put(core, entry, SwapUser::cache); // 2.6.24: somebody reads the slot ahead
  }
  system_.pages[frame].flags |= PG_uptodate | PG_dirty;
  return true;
}

bool Swap::remove_mapping(Core& core, FrameNumber frame) {
  const SwapEntry entry = cache_.freeze_and_delete(core, frame);
  if (!entry) return false;
  slots_->put(core, entry, SwapUser::cache);
  return true;
}

bool Swap::try_to_free_swap(Core& core, FrameNumber frame) {
  Frame& of = system_.pages[frame];
  core.settle();
  if ((of.flags & PG_swapcache) == 0 || (of.flags & PG_writeback) != 0) return false;
  if (by_page_count_ && of.refcount != 2) return false; // us, and the cache
  if (page_swapcount(core, frame) > 0) return false;
  const SwapEntry entry =
      by_page_count_ ? cache_.delete_if_exclusive(core, frame) : cache_.delete_from_swap_cache(core, frame);
  if (!entry) return false;
  of.flags |= PG_dirty; // no device has it any more
  slots_->put(core, entry, SwapUser::cache);
  return true;
}

void Swap::free_swap_cache(Core& core, FrameNumber frame) {
  const Frame& of = system_.pages[frame];
  core.settle();
  if ((of.flags & PG_swapcache) == 0 || (!by_page_count_ && of.mapcount > 0)) return;
  if (!system_.page_cache.waits.trylock_page(core, frame)) return;
  try_to_free_swap(core, frame);
  system_.page_cache.waits.unlock_page(core, frame);
}

bool Swap::reuse_swap_page(Core& core, FrameNumber frame) {
  Frame& of = system_.pages[frame];
  core.settle();
  const bool in_cache = (of.flags & PG_swapcache) != 0;
  std::uint32_t count = static_cast<std::uint32_t>(of.mapcount);
  if (in_cache && count <= 1) count += page_swapcount(core, frame);
  if (by_page_count_ || count != 1 || !in_cache) return count == 1;
  // Nobody but the caller: the slot goes, and the page is as any other. While it is written it keeps it.
  if ((of.flags & PG_writeback) == 0) {
    const SwapEntry entry = cache_.delete_from_swap_cache(core, frame);
    of.flags |= PG_dirty;
    slots_->put(core, entry, SwapUser::cache);
  }
  return true;
}

void Swap::writepage(Task& task, FrameNumber frame) {
  Core& core = task.core();
  if (try_to_free_swap(core, frame)) {
    system_.page_cache.waits.unlock_page(core, frame);
    return;
  }
  io_.writepage(task, frame);
}

} // namespace mmsim
