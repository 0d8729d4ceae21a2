#include "models/reclaim/lru_vec.hpp"

#include "models/pages/page_allocator.hpp"
#include "models/pages/struct_page_miss.hpp"
#include "sim/machine/core.hpp"

namespace mmsim {

namespace {
// vm_stat's item of a list, and whether the list is an active one.
constexpr VmStatItem item_of(LruList list) {
  switch (list) {
  case LruList::inactive:
    return NR_INACTIVE_ANON;
  case LruList::active:
    return NR_ACTIVE_ANON;
  case LruList::inactive_file:
    return NR_INACTIVE_FILE;
  case LruList::active_file:
    return NR_ACTIVE_FILE;
  }
  return NR_INACTIVE_ANON;
}
} // namespace

LruVec::LruVec(PageAllocator& pages, SpinLocks& locks, LruHeads heads, LruLists lists, std::uint32_t zone)
    : allocator_(pages), frames_(pages.frames()), kinds_(lists),
      lock_(locks.make("lru_lock", heads == LruHeads::beside_lock ? &heads_ : nullptr)), zone_(zone) {}

void LruVec::lock(Core& core) {
  lock_->lock_irqsave(core);
  core.write(heads_);
}

void LruVec::unlock(Core& core) { lock_->unlock_irqrestore(core); }

void LruVec::add(Core& core, FrameNumber frame, LruList list, ListEnd end) {
  FrameList& pages = lists_[static_cast<std::size_t>(list)];
  const std::uint32_t neighbour = (end == ListEnd::front ? pages.front() : pages.back()).value();
  const Duration misses = struct_page_miss(core, frames_[frame]) + listed_miss(core, neighbour);
  met(core, frame.value(), neighbour);
  frames_[frame].flags |= PG_lru | (is_active(list) ? PG_active : 0U);
  if (end == ListEnd::front)
    pages.push_front(frames_, frame);
  else
    pages.push_back(frames_, frame);
  update_lru_size(core, frame, list, 1);
  core.charge(core.costs().work.lru_add, Account::work);
  if (misses.count() != 0) core.charge(misses, Account::coherence, allocator_.struct_page());
}

void LruVec::del(Core& core, FrameNumber frame) {
  Frame& page = frames_[frame];
  // Who drops the last reference has just had the page's own line.
  const Duration misses = listed_miss(core, page.next) + listed_miss(core, page.previous);
  met(core, page.next, page.previous);
  const LruList list = list_of(page.flags);
  page.flags &= ~(PG_lru | PG_active);
  lists_[static_cast<std::size_t>(list)].remove(frames_, frame);
  update_lru_size(core, frame, list, -1);
  core.charge(core.costs().work.lru_del, Account::work);
  if (misses.count() != 0) core.charge(misses, Account::coherence, allocator_.struct_page());
}

void LruVec::move_tail(Core& core, FrameNumber frame) {
  del(core, frame); // PG_active too
  add(core, frame, list_of(frames_[frame].flags), ListEnd::back);
}

void LruVec::move(Core& core, FrameNumber frame, bool active) {
  Frame& page = frames_[frame];
  const LruList from = list_of(page.flags);
  page.flags = active ? page.flags | PG_active : page.flags & ~std::uint32_t{PG_active};
  const LruList to = list_of(page.flags);
  lists_[static_cast<std::size_t>(from)].remove(frames_, frame);
  lists_[static_cast<std::size_t>(to)].push_front(frames_, frame);
  const Duration miss = struct_page_miss(core, page);
  if (miss.count() != 0) core.charge(miss, Account::coherence, allocator_.struct_page());
  core.charge(core.costs().work.lru_del + core.costs().work.lru_add, Account::work);
  if (from == to) return;
  update_lru_size(core, frame, from, -1);
  update_lru_size(core, frame, to, 1);
}

LruVec::Isolated LruVec::isolate(Core& core, LruList which, std::uint32_t most, ZoneType highest,
                                 FrameList& pages) {
  FrameList& list = lists_[static_cast<std::size_t>(which)];
  struct Taken {
    std::uint32_t zone;
    std::int32_t pages;
  };
  std::array<Taken, zone_type_count> taken{}; // by type
  Isolated done;
  FrameList skipped;
  Duration misses{};
  std::uint32_t looked = 0;
  for (std::uint32_t left = list.size(); left > 0 && looked < most; --left) {
    const FrameNumber frame = list.back();
    Frame& page = frames_[frame];
    const Zone& zone = allocator_.zone_of(frame);
    ++done.scanned;
    misses += struct_page_miss(core, page);
    list.remove(frames_, frame);
    if (zone.type() > highest) {
      skipped.push_front(frames_, frame);
      continue;
    }
    ++looked;
    if (page.refcount == 0) { // get_page_unless_zero(): whoever frees it waits for the lock
      list.push_front(frames_, frame);
      continue;
    }
    ++page.refcount;
    page.flags &= ~std::uint32_t{PG_lru};
    pages.push_front(frames_, frame);
    Taken& of_zone = taken[static_cast<std::size_t>(zone.type())];
    of_zone = {zone.index(), of_zone.pages + 1};
    ++done.taken;
  }
  while (!skipped.empty())
    list.push_front(frames_, skipped.pop_back(frames_));
  core.charge(done.scanned * core.costs().work.lru_del, Account::work);
  if (misses.count() != 0) core.charge(misses, Account::coherence, allocator_.struct_page());
  for (const Taken& of_zone : taken) // update_lru_sizes()
    if (of_zone.pages != 0) allocator_.vm_stat().mod(core, of_zone.zone, item_of(which), -of_zone.pages);
  core.settle(); // others look at references
  return done;
}

void LruVec::count_isolated(Core& core, bool file, std::int32_t pages) {
  if (kinds_ == LruLists::by_kind && pages != 0)
    allocator_.vm_stat().mod(core, zone_, file ? NR_ISOLATED_FILE : NR_ISOLATED_ANON, pages);
}

void LruVec::add_at_boot(FrameNumber frame) {
  const LruList list = list_of(frames_[frame].flags);
  frames_[frame].flags |= PG_lru;
  lists_[static_cast<std::size_t>(list)].push_front(frames_, frame);
  allocator_.vm_stat().count_at_boot(allocator_.layout().zone_of(frame), item_of(list), 1);
}

// Of a page that is on the list; 0 is none.
Duration LruVec::listed_miss(Core& core, std::uint32_t number) const {
  if (number == 0) return {};
  if (number == met_[0] || number == met_[1]) return core.machine().caches().line_cost(core.id(), met_when_);
  const Frame& page = frames_.at(number);
  // It is being freed too: this core has met it when it unmapped it, unless it is another one's.
  const bool others = page.touched.core_plus_one != 0 && page.touched.core_plus_one != core.id().value() + 1;
  if (page.mapcount == 0 && !others) return {};
  return struct_page_miss(core, page);
}

void LruVec::met(Core& core, std::uint32_t one, std::uint32_t other) {
  met_ = {one, other};
  met_when_ = core.machine().caches().touch_line(core.id());
}

// __inc_zone_state() of NR_ACTIVE or NR_INACTIVE in 2.6.24, update_lru_size() in 5.10. Its instructions are
// part of lru_add and lru_del.
void LruVec::update_lru_size(Core& core, FrameNumber frame, LruList list, std::int32_t one) {
  allocator_.count_page(core, frame, item_of(list), one);
}

} // namespace mmsim
