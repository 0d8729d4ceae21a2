// What reaching the struct page of a frame costs, if another core wrote it last or this core's cache has lost it.
//
// The frames on a buddy system's lists were last written by whoever freed them, so that their lines are among the
// misses that hold zone->lock for so long (A. Lu, 2018: fetching them before the lock is taken gained 3 to 12 %).
// There are too many of them to be CacheLines: the stamp of the page's contents stands for its struct page too
// (CoreCaches::line_cost()).
//
// Who meets frames in a row asks once for the row: the rest is fetched ahead by hardware (the line beside a missing one,
// then the stream), or shares lines (2.6.24 on 32-bit machines: two struct pages each). So it is in zone.hpp and in a gather.
//
// Left out: that a free by another core than the last user takes the line along.
#pragma once

#include "models/pages/frame.hpp"
#include "sim/machine/core.hpp"
#include "sim/machine/machine.hpp"

namespace mmsim {

inline Duration struct_page_miss(Core& core, const Frame& frame) {
  return core.machine().caches().line_cost(core.id(), frame.touched);
}

/// Struct pages of frames in a row, in either direction, are fetched ahead by hardware. `last` may be no_frame.
inline bool in_a_row(FrameNumber frame, FrameNumber last) {
  return last != no_frame && (frame == last + 1 || last == frame + 1);
}

} // namespace mmsim
