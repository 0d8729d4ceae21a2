#include "models/reclaim/swap_cache.hpp"

#include "models/reclaim/radix_tree.hpp"
#include "models/system.hpp"

#include <algorithm>
#include <bit>

namespace mmsim {

SwapCache::SwapCache(System& system, const SwapSlots& slots, Bytes space)
    : system_(system), slots_a_space_(space.value() / bytes_per_frame) {
  std::vector<std::uint64_t> sizes; // of the spaces, in slots
  for (const SwapArea& area : slots.areas()) {
    if (slots_a_space_ == 0) {
      first_.push_back(sizes.empty() ? 0 : sizes[0]);
      if (sizes.empty()) sizes.push_back(0);
      sizes[0] += area.max;
      continue;
    }
    first_.push_back(sizes.size());
    for (std::uint64_t left = area.max; left > 0; left -= std::min(left, slots_a_space_))
      sizes.push_back(std::min(left, slots_a_space_));
  }
  const bool lockless = system.page_cache.parameters().lockless;
  for (const std::uint64_t size : sizes) {
    Space& made = spaces_.emplace_back();
    made.nodes.resize((size + slots_a_node - 1) / slots_a_node);
    made.levels = radix_tree_levels(slots_a_space_ == 0 ? size : slots.areas().front().max); // by the highest index
    if (lockless)
      made.i_pages = system.locks.make("swap_i_pages", &made.line);
    else
      made.tree_lock = std::make_unique<RwLock>(system.locks, system.machine, "swap_tree_lock", &made.line);
  }
}

SwapCache::Place SwapCache::place_of(SwapEntry entry) {
  const std::uint64_t slot = slots_a_space_ == 0 ? first_[entry.type()] + entry.offset() : entry.offset();
  Space& space =
      slots_a_space_ == 0 ? spaces_.front() : spaces_[first_[entry.type()] + slot / slots_a_space_];
  const std::uint64_t within = slots_a_space_ == 0 ? slot : slot % slots_a_space_;
  return {space, space.nodes[within / slots_a_node], within % slots_a_node};
}

CachedPage* SwapCache::page_at(SwapEntry entry) const {
  const Place place = const_cast<SwapCache*>(this)->place_of(entry);
  return place.node == nullptr ? nullptr : place.node->pages[place.index];
}

CachedPage& SwapCache::page_of(FrameNumber frame) const { return *system_.pages.links(frame).cached; }

void SwapCache::lock(Core& core, Space& space) {
  if (space.tree_lock)
    space.tree_lock->write_lock_irqsave(core);
  else
    space.i_pages->lock_irqsave(core);
}

void SwapCache::unlock(Core& core, Space& space) {
  if (space.tree_lock)
    space.tree_lock->write_unlock_irqrestore(core);
  else
    space.i_pages->unlock_irqrestore(core);
}

CachedPage* SwapCache::look_up(Core& core, const Place& place) {
  core.charge(place.space.levels * core.costs().work.table_walk_level, Account::work);
  if (place.node != nullptr) core.read(place.node->line);
  core.settle();
  return place.node == nullptr ? nullptr : place.node->pages[place.index];
}

CachedPage* SwapCache::find_get_page(Core& core, SwapEntry entry) {
  const Place place = place_of(entry);
  CachedPage* page = nullptr;
  if (place.space.tree_lock) {
    place.space.tree_lock->read_lock_irqsave(core);
    page = look_up(core, place);
    if (page != nullptr) {
      core.rmw(page->line); // page_cache_get()
      ++system_.pages[page->frame].refcount;
      ++page->holders;
    }
    place.space.tree_lock->read_unlock_irqrestore(core);
    return page;
  }
  system_.rcu().read_lock(core);
  core.read(place.space.line);
  for (;;) {
    page = look_up(core, place);
    if (page == nullptr) break;
    core.rmw(page->line);                                 // page_cache_get_speculative()
    if (place.node->pages[place.index] != page) continue; // xas_reload()
    ++system_.pages[page->frame].refcount;
    ++page->holders;
    break;
  }
  core.settle();
  system_.rcu().read_unlock(core);
  return page;
}

void SwapCache::put_page(Core& core, CachedPage& page) {
  core.rmw(page.line);
  const FrameNumber frame = page.frame;
  system_.page_cache.drop_holder(page);
  system_.lru->put_page(core, frame);
}

void SwapCache::hand_over(CachedPage& page) { system_.page_cache.drop_holder(page); }

bool SwapCache::add_to_swap_cache(Core& core, FrameNumber frame, SwapEntry entry) {
  core.charge(core.costs().work.page_cache_add, Account::work);
  const Place place = place_of(entry);
  lock(core, place.space);
  if (look_up(core, place) != nullptr) {
    unlock(core, place.space);
    return false;
  }
  if (place.node == nullptr) place.node = std::make_unique<Node>();
  core.write(place.node->line);
  CachedPage& page = system_.page_cache.hold(frame);
  page.swap = entry;
  core.rmw(page.line); // page_cache_get(): the cache's
  Frame& of = system_.pages[frame];
  ++of.refcount;
  of.flags |= PG_swapcache;
  place.node->pages[place.index] = &page;
  ++nrpages_;
  system_.pages.count_page(core, frame, NR_FILE_PAGES, 1);
  unlock(core, place.space);
  return true;
}

// __delete_from_swap_cache() and the cache's reference, if `may` in the instant in which others are kept out
// (page_ref_freeze()): who looks the page up without the lock tries the slot again once he has a reference.
template <class May>
SwapEntry SwapCache::remove_if(Core& core, FrameNumber frame, May&& may) {
  core.charge(core.costs().work.page_cache_add, Account::work);
  CachedPage& page = page_of(frame);
  const SwapEntry entry = page.swap;
  const Place place = place_of(entry);
  lock(core, place.space);
  core.write(place.node->line);
  core.rmw(page.line);
  Frame& of = system_.pages[frame];
  const bool removed = may(of);
  if (removed) {
    place.node->pages[place.index] = nullptr;
    --nrpages_;
    page.swap = {};
    of.flags &= ~std::uint32_t{PG_swapcache | PG_uptodate | PG_error};
    --of.refcount; // the caller has one more
    system_.page_cache.drop_holder(page);
    system_.pages.count_page(core, frame, NR_FILE_PAGES, -1);
  }
  unlock(core, place.space);
  return removed ? entry : SwapEntry();
}

SwapEntry SwapCache::delete_from_swap_cache(Core& core, FrameNumber frame) {
  return remove_if(core, frame, [](const Frame&) { return true; });
}

SwapEntry SwapCache::freeze_and_delete(Core& core, FrameNumber frame) {
  return remove_if(core, frame,
                   [](const Frame& of) { return of.refcount == 2 && (of.flags & PG_dirty) == 0; });
}

SwapEntry SwapCache::delete_if_exclusive(Core& core, FrameNumber frame) {
  return remove_if(core, frame,
                   [](const Frame& of) { return of.refcount == 2 && (of.flags & PG_writeback) == 0; });
}

void SwapCache::tag_writeback(Core& core, FrameNumber frame) {
  const Place place = place_of(page_of(frame).swap);
  if (place.space.i_pages) return; // AS_NO_WRITEBACK_TAGS
  lock(core, place.space);
  core.write(place.node->line);
  unlock(core, place.space);
}

} // namespace mmsim
