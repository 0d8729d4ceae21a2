// Buddy::check().
#include "models/pages/buddy.hpp"

#include "sim/engine/engine.hpp"

#include <spdlog/fmt/fmt.h>

namespace mmsim {

void Buddy::walk(std::uint32_t from, std::uint32_t to, Census& census, FreeBlocks& free_blocks) const {
  for (std::uint32_t number = from; number != to;) {
    const Frame& f = frames_[FrameNumber(number)];
    const std::uint32_t size = std::uint32_t{1} << f.order;
    if (f.order > max_order || number % size != 0 || size > to - number)
      throw Violation(
          fmt::format("frame {}: a block of order {} cannot begin here", number, unsigned{f.order}));
    switch (f.state) {
    case FrameState::free:
      if (f.refcount != 0 || f.mapcount != 0)
        throw Violation(fmt::format("frame {}: free, but refcount {} and mapcount {}", number, f.refcount,
                                    int{f.mapcount}));
      if (f.flags >= migrate_type_count)
        throw Violation(fmt::format("frame {}: free as migrate type {}", number, unsigned{f.flags}));
      census.free += size;
      ++free_blocks[f.flags][f.order];
      break;
    case FrameState::per_cpu:
      if (f.order != 0)
        throw Violation(
            fmt::format("frame {}: a block of order {} on a per-CPU list", number, unsigned{f.order}));
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

// As many frames on the list as the walk has found, each with the state of its list and with links that agree:
// so no frame is on two lists, and none is missing.
void Buddy::check_list(unsigned order, MigrateType type, std::uint32_t found) const {
  const FrameList& list = lists_[index(type)][order];
  std::uint32_t listed = 0;
  FrameNumber previous = no_frame;
  for (FrameNumber frame = list.front(); frame != no_frame; frame = FrameNumber(frames_[frame].next)) {
    const Frame& f = frames_[frame];
    if (f.state != FrameState::free || f.order != order || f.flags != index(type) ||
        f.previous != previous.value())
      throw Violation(
          fmt::format("frame {}, on the free list of order {} and migrate type {} behind frame {}: "
                      "state {}, order {}, migrate type {}, link back to {}",
                      frame.value(), order, index(type), previous.value(), static_cast<int>(f.state),
                      unsigned{f.order}, unsigned{f.flags}, f.previous));
    previous = frame;
    if (++listed > found) break;
  }
  if (listed != found || list.size() != listed || list.back() != previous)
    throw Violation(fmt::format("migrate type {}, free list of order {}: {} blocks in its links, {} by its "
                                "count, {} in memory",
                                index(type), order, listed, list.size(), found));
}

Buddy::Census Buddy::check() const {
  Census census;
  FreeBlocks found{};
  walk(first_.value(), unused_, census, found);
  walk(unused_end_, end().value(), census, found);
  for (std::size_t type = 0; type < migrate_type_count; ++type)
    for (unsigned order = 0; order <= max_order; ++order)
      check_list(order, MigrateType(type), found[type][order]);
  blocks_.check();

  census.free += unused_end_ - unused_;
  if (census.free != free_ || census.free + census.per_cpu + census.allocated != count_)
    throw Violation(
        fmt::format("frames from {}: {} free (counted as {}) + {} per-CPU + {} allocated, but {} managed",
                    first_.value(), census.free, free_, census.per_cpu, census.allocated, count_));
  return census;
}

} // namespace mmsim
