#include "models/operations/anon_page.hpp"

namespace mmsim {

void page_add_new_anon(System& system, Core& core, FrameNumber frame) {
  system.pages[frame].mapcount = 1;
  system.pages.count_page(core, frame, NR_ANON_MAPPED, 1);
  core.charge(core.costs().work.page_ref, Account::work);
  system.lru->lru_cache_add(core, frame);
}

void page_remove_rmap(System& system, Core& core, FrameNumber frame) {
  if (--system.pages[frame].mapcount == 0) page_unmapped(system, core, frame);
}

void page_unmapped(System& system, Core& core, FrameNumber frame) {
  const bool file = (system.pages[frame].flags & PG_file) != 0;
  system.pages.count_page(core, frame, file ? NR_FILE_MAPPED : NR_ANON_MAPPED, -1);
}

} // namespace mmsim
