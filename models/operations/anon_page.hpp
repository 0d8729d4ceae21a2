// How a page becomes an anonymous one, and how it stops being one.
//
//   page_add_new_anon(system, core, frame);     // it is nobody's yet; the entry is set after it
//   page_remove_rmap(system, core, frame);      // one mapping less
//
// Models page_add_new_anon_rmap() with lru_cache_add_inactive_or_unevictable() behind it (in 2.6.24
// lru_cache_add_active() comes first, which nobody can tell while no entry maps the page), and
// page_remove_rmap() of mm/rmap.c, for small pages. Left out: the reverse map itself.
#pragma once

#include "models/system.hpp"

namespace mmsim {

/// The page has its first mapping and is on its way to the LRU.
void page_add_new_anon(System& system, Core& core, FrameNumber frame);
/// The last mapping that goes takes the page from the anonymous ones, or from the mapped ones of files.
void page_remove_rmap(System& system, Core& core, FrameNumber frame);
/// The statistics' part of it: `frame` has just lost its last mapping.
void page_unmapped(System& system, Core& core, FrameNumber frame);

} // namespace mmsim
