#include "models/reclaim/lru_vec.hpp"

#include "models/pages/page_allocator.hpp"
#include "models/pages/struct_page_miss.hpp"
#include "sim/machine/core.hpp"

namespace mmsim {

LruVec::LruVec(PageAllocator& pages, SpinLocks& locks, LruHeads heads)
    : allocator_(pages), frames_(pages.frames()),
      lock_(locks.make("lru_lock", heads == LruHeads::beside_lock ? &heads_ : nullptr)) {}

void LruVec::lock(Core& core) {
  lock_->lock_irqsave(core);
  core.write(heads_);
}

void LruVec::unlock(Core& core) { lock_->unlock_irqrestore(core); }

void LruVec::add(Core& core, FrameNumber frame, LruList list) {
  FrameList& pages = lists_[static_cast<std::size_t>(list)];
  Duration misses = struct_page_miss(core, frames_[frame]);
  if (!pages.empty()) misses += struct_page_miss(core, frames_[pages.front()]);
  frames_[frame].flags |= PG_lru | (list == LruList::active ? PG_active : 0U);
  pages.push_front(frames_, frame);
  update_lru_size(core, frame, list, 1);
  core.charge(core.costs().work.lru_add, Account::work);
  if (misses.count() != 0) core.charge(misses, Account::coherence);
}

void LruVec::del(Core& core, FrameNumber frame) {
  Frame& page = frames_[frame];
  Duration misses = struct_page_miss(core, page);
  if (page.next != 0) misses += struct_page_miss(core, frames_.at(page.next));
  if (page.previous != 0) misses += struct_page_miss(core, frames_.at(page.previous));
  const LruList list = (page.flags & PG_active) != 0 ? LruList::active : LruList::inactive;
  page.flags &= ~(PG_lru | PG_active);
  lists_[static_cast<std::size_t>(list)].remove(frames_, frame);
  update_lru_size(core, frame, list, -1);
  core.charge(core.costs().work.lru_del, Account::work);
  if (misses.count() != 0) core.charge(misses, Account::coherence);
}

// __inc_zone_state() of NR_ACTIVE or NR_INACTIVE in 2.6.24, update_lru_size() in 5.10. Its instructions are part of
// lru_add and lru_del.
void LruVec::update_lru_size(Core& core, FrameNumber frame, LruList list, std::int32_t one) {
  allocator_.count_page(core, frame, list == LruList::active ? NR_ACTIVE_ANON : NR_INACTIVE_ANON, one);
}

} // namespace mmsim
