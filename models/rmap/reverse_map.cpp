// What all generations of the reverse map do alike: counting.
#include "models/rmap/reverse_map.hpp"

#include "models/system.hpp"

namespace mmsim {

bool ReverseMap::is_mergeable_anon_vma(const AnonVma* a, const AnonVma* b, const Vma*) const {
  return a == nullptr || b == nullptr || a == b;
}

void ReverseMap::page_add_new_anon(Core& core, FrameNumber frame, const Mapping& mapping) {
  add_anon(core, frame, mapping, RmapExclusive::yes, nullptr);
  Frame& page = system_.pages[frame];
  page.mapcount = 1;
  if (system_.parameters.anon_exclusive()) page.flags |= PG_anon_exclusive;
  system_.pages.count_page(core, frame, NR_ANON_MAPPED, 1);
  core.charge(core.costs().work.page_ref, Account::work);
  system_.lru->lru_cache_add(core, frame);
}

void ReverseMap::page_add_anon(Core& core, FrameNumber frame, const Mapping& mapping, RmapExclusive exclusive,
                               RmapReserve* reserve) {
  add_anon(core, frame, mapping, exclusive, reserve);
  Frame& page = system_.pages[frame];
  const bool first = ++page.mapcount == 1;
  if (exclusive == RmapExclusive::yes && system_.parameters.anon_exclusive()) page.flags |= PG_anon_exclusive;
  if (first) system_.pages.count_page(core, frame, NR_ANON_MAPPED, 1);
  core.charge(core.costs().work.page_ref, Account::work);
}

void ReverseMap::page_add_file(Core& core, FrameNumber frame, const Mapping& mapping, RmapReserve* reserve) {
  add_file(core, frame, mapping, reserve);
  if (++system_.pages[frame].mapcount == 1) system_.pages.count_page(core, frame, NR_FILE_MAPPED, 1);
}

void ReverseMap::page_dup(Core& core, FrameNumber frame, const Mapping& mapping, RmapReserve* reserve) {
  duplicate(core, frame, mapping, reserve);
  ++system_.pages[frame].mapcount;
}

void ReverseMap::page_remove(Core& core, FrameNumber frame, TablePage& table, std::size_t index) {
  remove(core, frame, table, index);
  if (--system_.pages[frame].mapcount > 0) return;
  if (!tracks_entries()) { // in this instant: statistics take time, in which another may map it again
    system_.pages.links(frame).rmap = nullptr;
    system_.pages.links(frame).index = 0;
  }
  page_unmapped(core, frame);
}

void ReverseMap::page_unmapped(Core& core, FrameNumber frame) {
  const bool file = (system_.pages[frame].flags & PG_file) != 0;
  system_.pages.count_page(core, frame, file ? NR_FILE_MAPPED : NR_ANON_MAPPED, -1);
}

} // namespace mmsim
