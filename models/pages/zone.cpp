#include "models/pages/zone.hpp"

#include "models/pages/page_mobility.hpp"
#include "models/pages/struct_page_miss.hpp"
#include "sim/machine/core.hpp"

namespace mmsim {

Zone::Zone(const ZoneMeans& means, std::uint32_t index, const ZoneSpan& span, const ZoneLimits& limits)
    : frames_(means.frames), vm_stat_(means.vm_stat), rule_(means.rule), counts_each_(means.counts_each),
      index_(index), span_(span),
      limits_(limits), marks_{limits.watermarks.min, limits.watermarks.low, limits.watermarks.high},
      buddy_(means.frames, {span.first, span.managed, span.spanned}, means.mobility, means.vm_total_pages),
      lock_(means.locks.make("zone_lock")), free_area_(buddy_.mobility().rules().free_area) {
  buddy_.mobility().setup_reserve(buddy_, limits.watermarks.min);
}

void Zone::enter(Core& core) {
  lock_->lock(core);
  free_area_.enter();
}

// Lists of these orders have changed. `own` is the block that was put there last, if any.
void Zone::write_lists(Core& core, unsigned lowest, unsigned highest, FrameNumber own) {
  for (unsigned order = lowest; order <= highest; ++order) {
    if (!free_area_.write(core, order)) continue;
    const FrameNumber first = buddy_.front_beside(order, MigrateType::movable, own);
    if (first != no_frame) core.charge(struct_page_miss(core, frames_[first]), Account::alloc);
  }
}

// `ahead`: its struct page follows that of the block taken before.
void Zone::charge_taken(Core& core, const Buddy::Taken& taken, bool ahead) {
  const CostBook& costs = core.costs();
  core.charge(costs.work.buddy_alloc + (taken.splits + taken.moved) * costs.work.buddy_step +
                  taken.scanned * costs.line.hit +
                  (ahead ? Duration{} : struct_page_miss(core, frames_[taken.frame])),
              Account::alloc);
}

FrameNumber Zone::take_at_boot(MigrateType type) {
  if (vm_stat_.published(index_, NR_FREE_PAGES) <= mark(Watermark::high)) return no_frame;
  const FrameNumber frame = buddy_.take(0, type).frame;
  if (frame != no_frame) vm_stat_.count_at_boot(index_, NR_FREE_PAGES, -1);
  return frame;
}

FrameNumber Zone::take(Core& core, unsigned order, MigrateType type, const AllocFlags& flags) {
  enter(core);
  Buddy::Taken taken{no_frame};
  if (order > 0 && flags.harder && reserved_highatomic_ != 0)
    taken = buddy_.take_smallest(order, MigrateType::reserve);
  if (taken.frame == no_frame) taken = buddy_.take(order, type, flags.no_fragment);
  const bool found = taken.frame != no_frame;
  if (found) {
    charge_taken(core, taken, false);
    write_lists(core, order, order + taken.splits, no_frame);
  }
  if (found && counts_each_) vm_stat_.mod(core, index_, NR_FREE_PAGES, -(1 << order));
  lock_->unlock(core);
  if (found && !counts_each_) vm_stat_.mod(core, index_, NR_FREE_PAGES, -(1 << order));
  return taken.frame;
}

// Frames in a row, whose struct pages the core has in its hands.
struct FrameRow {
  std::uint32_t first = 0, end = 0;
  bool contains(std::uint32_t frame) const { return first <= frame && frame < end; }
  bool extend(std::uint32_t frame) {
    if (frame == end)
      ++end;
    else if (frame + 1 == first)
      --first;
    else
      return false;
    return true;
  }
};

// Of a list that is about to be freed, from `frame` on.
FrameRow Zone::row_of(FrameNumber frame, std::uint32_t Frame::*link) {
  FrameRow row{frame.value(), frame.value() + 1};
  std::uint32_t next = frames_[frame].*link;
  while (next != 0 && row.extend(next))
    next = frames_.at(next).*link;
  return row;
}

// __free_one_page(), with what it looks at.
inline void Zone::give_back(Core& core, FrameNumber frame, unsigned order, MigrateType type,
                            const FrameRow& row, bool fetched) {
  vm_stat_.mod(core, index_, NR_FREE_PAGES, 1 << order);
  pages_scanned = 0;
  all_unreclaimable = false;
  const unsigned merges = buddy_.put(frame, order, type);
  Duration cost = core.costs().work.buddy_free + merges * core.costs().work.buddy_step;
  std::uint32_t block = frame.value();
  for (unsigned met = order + fetched; met <= order + merges && met < Buddy::max_order; ++met) {
    block &= ~((std::uint32_t{1} << met) - 1);
    const std::uint32_t buddy = block ^ std::uint32_t{1} << met;
    if (!row.contains(buddy)) cost += struct_page_miss(core, frames_.at(buddy));
  }
  core.charge(cost, Account::alloc);
  const unsigned merged = order + merges;
  write_lists(core, order, merged, FrameNumber(frame.value() & ~((std::uint32_t{1} << merged) - 1)));
}

void Zone::put(Core& core, FrameNumber frame, unsigned order) {
  enter(core);
  give_back(core, frame, order, buddy_.pageblocks().type_of(frame), {}, false);
  lock_->unlock(core);
}

std::uint32_t Zone::refill(Core& core, FrameList& list, std::uint32_t count, ListEnd end, MigrateType type,
                           bool no_fragment) {
  enter(core);
  std::int32_t taken = 0;
  FrameNumber following = no_frame;
  for (; taken < static_cast<std::int32_t>(count); ++taken) {
    const Buddy::Taken block = buddy_.take(0, type, no_fragment);
    if (block.frame == no_frame) break;
    charge_taken(core, block, block.frame == following);
    following = block.frame + 1;
    if (counts_each_) vm_stat_.mod(core, index_, NR_FREE_PAGES, -1);
    frames_[block.frame].state = FrameState::per_cpu;
    frames_[block.frame].flags = static_cast<std::uint32_t>(type); // even if it is one of 2.6.24's reserve
    if (end == ListEnd::front)
      list.push_back(frames_, block.frame);
    else
      list.push_front(frames_, block.frame);
    write_lists(core, 0, block.splits, no_frame);
  }
  if (!counts_each_ && taken != 0) vm_stat_.mod(core, index_, NR_FREE_PAGES, -taken);
  lock_->unlock(core);
  if (taken != 0) core.counters().add(Counter::pcp_refill);
  return static_cast<std::uint32_t>(taken);
}

void Zone::drain(Core& core, FrameList& list, std::uint32_t count) {
  enter(core);
  FrameRow row;
  for (; count > 0 && !list.empty(); --count) {
    if (!row.contains(list.back().value())) row = row_of(list.back(), &Frame::previous);
    const FrameNumber frame = list.pop_back(frames_);
    give_back(core, frame, 0, buddy_.pageblocks().type_of(frame), row, false);
  }
  lock_->unlock(core);
  core.counters().add(Counter::pcp_drain);
}

void Zone::drain_prepared(Core& core, FrameList& list, std::uint32_t fetched) {
  enter(core);
  FrameRow row;
  while (!list.empty()) {
    if (!row.contains(list.front().value())) row = row_of(list.front(), &Frame::next);
    const FrameNumber frame = list.pop_front(frames_);
    give_back(core, frame, 0, static_cast<MigrateType>(frames_[frame].flags), row, fetched != 0);
    if (fetched != 0) --fetched;
  }
  lock_->unlock(core);
  core.counters().add(Counter::pcp_drain);
}

void Zone::charge_moved(Core& core, const Buddy::Moved& moved) {
  core.charge(moved.blocks * core.costs().work.buddy_step + moved.scanned * core.costs().line.hit,
              Account::alloc);
}

void Zone::reserve_highatomic(Core& core, FrameNumber frame) {
  if (!buddy_.mobility().may_reserve_highatomic(buddy_)) return;
  core.irq_disable();
  enter(core);
  charge_moved(core, buddy_.mobility().reserve_highatomic(buddy_, frame));
  reserved_highatomic_ = static_cast<std::int64_t>(buddy_.mobility().reserved_highatomic());
  lock_->unlock(core);
  core.irq_enable();
}

bool Zone::unreserve_highatomic(Core& core, MigrateType type, bool force) {
  if (!buddy_.mobility().may_unreserve_highatomic(buddy_, force)) return false;
  core.irq_disable();
  enter(core);
  const Buddy::Moved moved = buddy_.mobility().unreserve_highatomic(buddy_, type, force);
  reserved_highatomic_ = static_cast<std::int64_t>(buddy_.mobility().reserved_highatomic());
  charge_moved(core, moved);
  lock_->unlock(core);
  core.irq_enable();
  return moved.frames != 0;
}

} // namespace mmsim
