#include "models/pages/buddy.hpp"

#include "models/pages/page_mobility.hpp"
#include "sim/engine/engine.hpp"

#include <bit>
#include <spdlog/fmt/fmt.h>

namespace mmsim {
namespace {

Pageblocks::Groups groups_of(const PageMobility& mobility, unsigned pageblock_order, std::uint64_t pages) {
  // build_all_zonelists(): page_group_by_mobility_disabled.
  const PageMobility::Rules& rules = mobility.rules();
  return pages >> pageblock_order < rules.min_blocks ? rules.disabled : Pageblocks::grouped;
}

} // namespace

Buddy::Buddy(FrameTable& frames, const Extent& extent, const PageMobilityParameters& mobility,
             std::uint64_t vm_total_pages)
    : Buddy(frames, extent, static_cast<unsigned>(mobility.pageblock_order),
            Registry<PageMobility>::instance().create(mobility.mobility), vm_total_pages) {}

Buddy::Buddy(FrameTable& frames, FrameNumber first, std::uint32_t count)
    : Buddy(frames, {first, count, count}, PageMobilityParameters{}) {}

Buddy::Buddy(FrameTable& frames, const Extent& extent, unsigned pageblock_order,
             std::unique_ptr<PageMobility> mobility, std::uint64_t vm_total_pages)
    : frames_(frames), first_(extent.first), count_(extent.managed), unused_(extent.first.value()),
      unused_end_(extent.first.value() + extent.managed / max_block * max_block),
      mobility_(std::move(mobility)), tail_if_merge_likely_(mobility_->rules().tail_if_merge_likely),
      moved_to_(mobility_->rules().moved_to),
      blocks_(extent.first, extent.spanned, pageblock_order,
              groups_of(*mobility_, pageblock_order, vm_total_pages)) {
  const std::uint64_t end =
      first_.value() + (std::uint64_t{extent.spanned} + max_block - 1) / max_block * max_block;
  if (first_ == no_frame || first_.value() % max_block != 0 || end > frames.end().value() ||
      extent.managed > extent.spanned)
    throw std::logic_error(
        fmt::format("buddy system of {} of {} frames from {}: the start must be a multiple "
                    "of {} above 0, and the table ends at {}",
                    count_, extent.spanned, first_.value(), max_block, frames.end().value()));
  // What does not fill a block of the highest order, in blocks as large as their alignment allows.
  std::uint32_t rest = unused_end_;
  for (unsigned order = max_order; order-- > 0;)
    if (count_ >> order & 1) {
      add(FrameNumber(rest), order, MigrateType::movable);
      rest += std::uint32_t{1} << order;
    }
  free_ = count_;
}

Buddy::~Buddy() = default;

inline void Buddy::add(FrameNumber frame, unsigned order, MigrateType type, ListEnd end) {
  Frame& f = frames_[frame];
  f.state = FrameState::free;
  f.order = order & 15;
  f.flags = index(type) & 15;
  FrameList& list = lists_[index(type)][order];
  if (end == ListEnd::front)
    list.push_front(frames_, frame);
  else
    list.push_back(frames_, frame);
}

void Buddy::use_next() {
  if (unused_ == unused_end_) return;
  add(FrameNumber(unused_), max_order, MigrateType::movable, ListEnd::back);
  unused_ += max_block;
}

void Buddy::use_up_to(FrameNumber frame) {
  while (unused_ != unused_end_ && unused_ <= frame.value())
    use_next();
}

inline unsigned Buddy::expand(FrameNumber frame, unsigned larger, unsigned order, MigrateType type) {
  free_ -= std::uint32_t{1} << order;
  const unsigned splits = larger - order;
  while (larger > order) {
    --larger;
    add(frame + (std::uint32_t{1} << larger), larger, type);
  }
  Frame& f = frames_[frame];
  f.state = FrameState::part; // no longer anybody's buddy
  f.order = order & 15;
  f.flags = index(type) & 15;
  return splits;
}

Buddy::Taken Buddy::take_smallest(unsigned order, MigrateType type) {
  assert(order <= max_order);
  auto& lists = lists_[index(type)];
  unsigned found = order;
  while (found < max_order && lists[found].empty())
    ++found;
  const FrameNumber frame = front(found, type);
  if (frame == no_frame) return {no_frame};
  lists[found].remove(frames_, frame);
  return {.frame = frame, .splits = static_cast<std::uint16_t>(expand(frame, found, order, type))};
}

Buddy::Taken Buddy::take(unsigned order, MigrateType type, bool no_fragment) {
  type = group_of(type);
  const Taken taken = take_smallest(order, type);
  if (taken.frame != no_frame) [[likely]]
    return taken;
  return mobility_->fallback(*this, order, type, no_fragment);
}

Buddy::Taken Buddy::split(FrameNumber frame, unsigned order, MigrateType type) {
  const Frame& f = frames_[frame];
  const unsigned larger = f.order;
  lists_[f.flags][larger].remove(frames_, frame);
  return {.frame = frame, .splits = static_cast<std::uint16_t>(expand(frame, larger, order, type))};
}

unsigned Buddy::put(FrameNumber frame, unsigned order, MigrateType type) {
  assert(order <= max_order);
  free_ += std::uint32_t{1} << order;
  std::uint32_t block = frame.value();
  unsigned merges = 0;
  frames_.at(block).state = FrameState::part; // until it is clear that no lower block takes it in
  for (; order < max_order; ++order, ++merges) {
    const FrameNumber buddy(block ^ std::uint32_t{1} << order);
    Frame& b = frames_[buddy];
    if (b.state != FrameState::free || b.order != order) break;
    lists_[b.flags][order].remove(frames_, buddy);
    b.state = FrameState::part;
    block &= ~(std::uint32_t{1} << order);
  }
  const bool tail = tail_if_merge_likely_ && merge_likely(block, order);
  add(FrameNumber(block), order, type, tail ? ListEnd::back : ListEnd::front);
  return merges;
}

// buddy_merge_likely(): the block that this one and its buddy would be has a free buddy itself.
inline bool Buddy::merge_likely(std::uint32_t block, unsigned order) const {
  if (order >= max_order - 1) return false;
  const std::uint32_t larger = std::uint32_t{2} << order;
  const Frame& f = frames_[FrameNumber((block & ~(larger - 1)) ^ larger)];
  return f.state == FrameState::free && f.order == order + 1;
}

void Buddy::move(FrameNumber block, MigrateType type) {
  const Frame& f = frames_[block];
  const unsigned order = f.order;
  lists_[f.flags][order].remove(frames_, block);
  add(block, order, type, moved_to_);
}

Buddy::Moved Buddy::move_pageblock(FrameNumber frame, MigrateType type) {
  Moved moved;
  if (!blocks_.whole(frame)) return moved;
  std::uint32_t number = blocks_.first_of(frame).value();
  for (const std::uint32_t end = number + blocks_.size(); number < end; ++moved.scanned) {
    const Frame& f = frames_[FrameNumber(number)];
    if (f.state == FrameState::free) {
      const std::uint32_t size = std::uint32_t{1} << f.order;
      move(FrameNumber(number), type);
      moved.frames += size;
      ++moved.blocks;
      number += size;
    } else {
      moved.movable += f.state == FrameState::allocated && (f.flags & PG_lru) != 0;
      ++number;
    }
  }
  return moved;
}

std::uint32_t Buddy::free_blocks(unsigned order) const {
  std::uint32_t blocks = 0;
  for (std::size_t type = 0; type < migrate_type_count; ++type)
    blocks += free_blocks(order, MigrateType(type));
  return blocks;
}

} // namespace mmsim
