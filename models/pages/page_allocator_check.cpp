// What must hold of all memory at a quiescent point: PageAllocator::check_invariants().
#include "models/pages/page_allocator.hpp"

#include <spdlog/fmt/fmt.h>

namespace mmsim {

// Frames on the per-CPU lists of a zone.
std::uint64_t PageAllocator::check_lists(const ZoneEntry& entry) const {
  std::uint64_t listed = 0;
  entry.lists->for_each_list([&](CoreId cpu, const PerCpuLists::Shown& shown) {
    const FrameList& list = shown.frames;
    FrameNumber previous = no_frame;
    std::uint32_t length = 0;
    for (FrameNumber frame = list.front(); frame != no_frame && length <= list.size();
         frame = FrameNumber(frames_[frame].next), ++length) {
      const Frame& f = frames_[frame];
      if (f.state != FrameState::per_cpu || f.previous != previous.value() || f.refcount != 0 ||
          f.mapcount != 0 || !entry.zone->contains(frame))
        throw Violation(
            fmt::format("frame {}, on a list of cpu {} and zone {} behind frame {}: state {}, link "
                        "back to {}, refcount {}, mapcount {}",
                        frame.value(), cpu.value(), entry.zone->index(), previous.value(),
                        static_cast<int>(f.state), f.previous, f.refcount, int{f.mapcount}));
      const auto type = static_cast<MigrateType>(f.flags);
      const bool may_be_here = f.flags < migrate_type_count &&
                               (!shown.type || type == *shown.type ||
                                (type == MigrateType::reserve && *shown.type == MigrateType::movable));
      if (!may_be_here)
        throw Violation(
            fmt::format("frame {}, of migrate type {}, on a list of cpu {} and zone {} for type {}",
                        frame.value(), unsigned{f.flags}, cpu.value(), entry.zone->index(),
                        shown.type ? static_cast<int>(*shown.type) : -1));
      previous = frame;
    }
    if (length != list.size() || list.back() != previous)
      throw Violation(fmt::format("list of cpu {} and zone {}: {} frames in its links, {} by its count",
                                  cpu.value(), entry.zone->index(), length, list.size()));
    listed += length;
  });
  return listed;
}

void PageAllocator::check_invariants() const {
  std::uint64_t free = 0, per_cpu = 0, allocated = 0;
  for (const ZoneEntry& entry : zones_) {
    const Buddy::Census census = entry.zone->buddy().check();
    const std::uint64_t listed = check_lists(entry);
    if (listed != census.per_cpu)
      throw Violation(fmt::format("zone {}: {} frames on per-CPU lists, but {} say that they are",
                                  entry.zone->index(), listed, census.per_cpu));
    const std::int64_t counted = vm_stat_.exact_now(entry.zone->index(), NR_FREE_PAGES);
    if (counted != static_cast<std::int64_t>(census.free))
      throw Violation(fmt::format("zone {}: {} frames are free, but NR_FREE_PAGES is {}", entry.zone->index(),
                                  census.free, counted));
    free += census.free;
    per_cpu += census.per_cpu;
    allocated += census.allocated;
  }
  if (allocated != allocated_ || free + per_cpu + allocated != managed_)
    throw Violation(fmt::format("{} frames free + {} per-CPU + {} allocated (counted as {}), but {} managed",
                                free, per_cpu, allocated, allocated_, managed_));
}

} // namespace mmsim
