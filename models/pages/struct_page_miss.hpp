// What reaching the struct page of a frame costs, if another core wrote it last or this core's cache has lost it.
//
// The frames on a buddy system's lists were last written by whoever freed them, so that their lines are among the
// misses that hold zone->lock for so long (A. Lu, 2018: fetching them before the lock is taken gained 3 to 12 %).
// There are too many of them to be CacheLines: the stamp of the page's contents stands for its struct page too.
//
// Left out: that frames in a row share lines (2.6.24 on 32-bit machines: two) and are fetched ahead by hardware;
// that a free by another core than the last user takes the line along.
#pragma once

#include "models/pages/frame.hpp"
#include "sim/machine/core.hpp"

namespace mmsim {

// Stand-in until CoreCaches::line_cost() is here: all struct pages are at hand.
inline Duration struct_page_miss([[maybe_unused]] Core& core, [[maybe_unused]] const Frame& frame) {
  return Duration{};
}

} // namespace mmsim
