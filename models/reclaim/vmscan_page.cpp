#include "models/reclaim/vmscan_page.hpp"

namespace mmsim {

Pageout IsolatedPage::pageout(Task& task) {
  Core& core = task.core();
  core.settle();
  if (page_.refcount != 2) return Pageout::keep; // is_page_cache_freeable(): the cache's and the isolation's
  if (!has_mapping()) return Pageout::keep;
  if (!has(PG_dirty)) return Pageout::clean;
  set(PG_reclaim);
  core.counters().add(Counter::nr_vmscan_write);
  system_.pages.count_page(core, frame_, NR_VMSCAN_WRITE, 1);
  if (has(PG_swapcache)) {
    clear(PG_dirty); // clear_page_dirty_for_io(), which counts nothing here
    system_.swap.writepage(task, frame_);
  } else {
    cached()->mapping->writepage(task, *cached());
  }
  if (!has(PG_writeback)) clear(PG_reclaim); // it did not have to be written
  return Pageout::success;
}

bool IsolatedPage::remove_mapping(Core& core) {
  if (has(PG_swapcache)) return system_.swap.remove_mapping(core, frame_);
  CachedPage* const page = cached();
  if (page == nullptr || page->mapping == nullptr) return false; // truncated meanwhile
  return page->mapping->remove_mapping(core, *page);
}

} // namespace mmsim
