#include "models/pages/buddy.hpp"

#include "sim/engine/engine.hpp"

#include <bit>
#include <spdlog/fmt/fmt.h>

namespace mmsim {

Buddy::Buddy(FrameTable& frames, FrameNumber first, std::uint32_t count)
    : frames_(frames), first_(first), count_(count), unused_(first.value()),
      unused_end_(first.value() + count / max_block * max_block) {
  if (first == no_frame || first.value() % max_block != 0 ||
      first.value() + (std::uint64_t{count} + max_block - 1) / max_block * max_block > frames.end().value())
    throw std::logic_error(
        fmt::format("buddy system of {} frames from {}: the start must be a multiple of {} above 0, "
                    "and the table ends at {}",
                    count, first.value(), max_block, frames.end().value()));
  // What does not fill a block of the highest order, in blocks as large as their alignment allows.
  std::uint32_t rest = unused_end_;
  for (unsigned order = max_order; order-- > 0;)
    if (count >> order & 1) {
      add(FrameNumber(rest), order);
      rest += std::uint32_t{1} << order;
    }
  free_ = count;
}

void Buddy::add(FrameNumber frame, unsigned order) {
  Frame& f = frames_[frame];
  f.state = FrameState::free;
  f.order = static_cast<std::uint8_t>(order);
  lists_[order].push_front(frames_, frame);
}

Buddy::Taken Buddy::take(unsigned order) {
  assert(order <= max_order);
  unsigned found = order;
  while (found < max_order && lists_[found].empty())
    ++found;
  FrameNumber frame;
  if (!lists_[found].empty()) {
    frame = lists_[found].pop_front(frames_);
  } else if (unused_ != unused_end_) {
    frame = FrameNumber(unused_);
    unused_ += max_block;
  } else {
    return {no_frame, 0};
  }
  free_ -= std::uint32_t{1} << order;
  const unsigned splits = found - order;
  while (found > order) {
    --found;
    add(frame + (std::uint32_t{1} << found), found);
  }
  Frame& f = frames_[frame];
  f.state = FrameState::part; // no longer anybody's buddy
  f.order = static_cast<std::uint8_t>(order);
  return {frame, splits};
}

unsigned Buddy::put(FrameNumber frame, unsigned order) {
  assert(order <= max_order);
  free_ += std::uint32_t{1} << order;
  std::uint32_t block = frame.value();
  unsigned merges = 0;
  frames_.at(block).state = FrameState::part; // until it is clear that no lower block takes it in
  for (; order < max_order; ++order, ++merges) {
    const FrameNumber buddy(block ^ std::uint32_t{1} << order);
    Frame& b = frames_[buddy];
    if (b.state != FrameState::free || b.order != order) break;
    lists_[order].remove(frames_, buddy);
    b.state = FrameState::part;
    block &= ~(std::uint32_t{1} << order);
  }
  add(FrameNumber(block), order);
  return merges;
}

std::uint32_t Buddy::free_blocks(unsigned order) const {
  return lists_[order].size() + (order == max_order ? (unused_end_ - unused_) / max_block : 0);
}

void Buddy::walk(std::uint32_t from, std::uint32_t to, Census& census,
                 std::array<std::uint32_t, max_order + 1>& free_blocks) const {
  for (std::uint32_t number = from; number != to;) {
    const Frame& f = frames_[FrameNumber(number)];
    const std::uint32_t size = std::uint32_t{1} << f.order;
    if (f.order > max_order || number % size != 0 || size > to - number)
      throw Violation(fmt::format("frame {}: a block of order {} cannot begin here", number, f.order));
    switch (f.state) {
    case FrameState::free:
      if (f.refcount != 0 || f.mapcount != 0)
        throw Violation(
            fmt::format("frame {}: free, but refcount {} and mapcount {}", number, f.refcount, f.mapcount));
      census.free += size;
      ++free_blocks[f.order];
      break;
    case FrameState::per_cpu:
      if (f.order != 0)
        throw Violation(fmt::format("frame {}: a block of order {} on a per-CPU list", number, f.order));
      ++census.per_cpu;
      break;
    case FrameState::allocated:
      census.allocated += size;
      break;
    case FrameState::part:
      throw Violation(fmt::format("frame {}: a block begins here, but nothing says whose it is", number));
    }
    number += size;
  }
}

Buddy::Census Buddy::check() const {
  Census census;
  std::array<std::uint32_t, max_order + 1> found{};
  walk(first_.value(), unused_, census, found);
  walk(unused_end_, end().value(), census, found);

  // As many frames on the lists as the walk has found, each with the state of its list and with links that
  // agree: so no frame is on two lists, and none is missing.
  for (unsigned order = 0; order <= max_order; ++order) {
    std::uint32_t listed = 0;
    FrameNumber previous = no_frame;
    for (FrameNumber frame = lists_[order].front(); frame != no_frame;
         frame = FrameNumber(frames_[frame].next)) {
      const Frame& f = frames_[frame];
      if (f.state != FrameState::free || f.order != order || f.previous != previous.value())
        throw Violation(fmt::format(
            "frame {}, on the free list of order {} behind frame {}: state {}, order {}, link "
            "back to {}",
            frame.value(), order, previous.value(), static_cast<int>(f.state), f.order, f.previous));
      previous = frame;
      if (++listed > found[order]) break;
    }
    if (listed != found[order] || lists_[order].size() != listed || lists_[order].back() != previous)
      throw Violation(
          fmt::format("free list of order {}: {} blocks in its links, {} by its count, {} in memory", order,
                      listed, lists_[order].size(), found[order]));
  }

  census.free += unused_end_ - unused_;
  if (census.free != free_ || census.free + census.per_cpu + census.allocated != count_)
    throw Violation(
        fmt::format("frames from {}: {} free (counted as {}) + {} per-CPU + {} allocated, but {} managed",
                    first_.value(), census.free, free_, census.per_cpu, census.allocated, count_));
  return census;
}

} // namespace mmsim
