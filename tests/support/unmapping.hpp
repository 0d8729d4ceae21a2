// What reclaim does with a page's mappings, without swap: entries go, and what was in them is lost.
#pragma once

#include "models/operations/gather.hpp"
#include "models/system.hpp"

namespace mmsim::tests {

/// As try_to_unmap_one(), inside a walk of the reverse map.
inline void unmap_one(System& system, Core& core, const Mapping& mapping) {
  const FrameNumber frame = mapping.entry().frame();
  system.before_entries_change(core);
  PageTable::set(mapping.table, mapping.index, mapping.entry().cleared());
  system.oracle.entry_changed(mapping.mm, mapping.page, mapping.page + 1);
  system.flusher.flush_page(core, mapping.mm, mapping.page);
  --((system.pages[frame].flags & PG_file) != 0 ? mapping.mm.rss_file : mapping.mm.rss_anon);
  system.rmap->page_remove(core, frame, mapping);
  put_page(system, core, frame);
}

/// Every mapping of `frame` that can be had goes. Returns how many did.
inline int unmap_everywhere(System& system, Task& task, FrameNumber frame) {
  ++system.pages[frame].refcount; // as if it were isolated
  int unmapped = 0;
  system.rmap->for_each_mapping(task, frame, [&](const Mapping& mapping) {
    unmap_one(system, task.core(), mapping);
    ++unmapped;
    return Walk::go_on;
  });
  put_page(system, task.core(), frame);
  return unmapped;
}

} // namespace mmsim::tests
