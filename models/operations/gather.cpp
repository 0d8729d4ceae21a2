#include "models/operations/gather.hpp"

#include "models/operations/anon_page.hpp"
#include "models/pages/struct_page_miss.hpp"

#include <algorithm>

namespace mmsim {

void MmuGather::zap(Core& core, PageNumber begin, PageNumber end) {
  PageTable& tables = mm_.tables;
  const auto limit = static_cast<std::size_t>(system_.parameters.gather_pages);
  for (PageNumber page = begin; page < end;) {
    const PageNumber next = std::min(end, PageNumber((page.value() | 511) + 1));
    core.charge((tables.shape().levels - 1) * core.costs().work.table_walk_level, Account::work);
    if (TablePage* table = tables.leaf(page)) {
      while (page < next) {
        const PageNumber stop = std::min(next, page + (limit - std::min(limit, pages_.size())));
        zap_table(core, *table, page, stop);
        page = stop;
        if (pages_.size() >= limit) finish(core); // tlb_flush_mmu(): the batch is full
      }
    }
    page = next;
  }
}

// Struct pages of frames in a row, in either direction, are fetched ahead by hardware.
static bool follows(FrameNumber frame, FrameNumber last) {
  return last != no_frame && (frame == last + 1 || last == frame + 1);
}

void MmuGather::zap_table(Core& core, TablePage& table, PageNumber begin, PageNumber end) {
  const WorkCosts& work = core.costs().work;
  SpinLock& lock = system_.pte_lock(mm_, table);
  lock.lock(core);
  FrameNumber met = no_frame; // the last one whose struct page was looked at
  const std::uint64_t bulk = system_.steps_in_quantum(work.pte_scan + work.pte_clear + work.page_unref);
  for (PageNumber page = begin; page < end;) {
    const PageNumber stop = std::min(end, page + bulk);
    system_.before_entries_change(core);
    const PageNumber first = page;
    std::int64_t cleared = 0, anon = 0, file = 0;
    Duration misses{};
    unmapped_.clear();
    for (; page < stop; ++page) {
      const std::size_t index = page.value() & 511;
      const Pte entry = table.words[index];
      if (!entry.present()) continue;
      PageTable::set(table, index, entry.cleared());
      ++cleared;
      if (entry.special()) continue; // the zero page is nobody's
      Frame& frame = system_.pages[entry.frame()];
      ++((frame.flags & PG_file) != 0 ? file : anon);
      if (--frame.mapcount == 0) unmapped_.push_back(entry.frame()); // page_remove_rmap()
      if (!follows(entry.frame(), met)) misses += struct_page_miss(core, frame);
      met = entry.frame();
      pages_.push_back(entry.frame());
    }
    mm_.rss_anon -= anon;
    mm_.rss_file -= file;
    if (cleared > 0) {
      system_.oracle.entry_changed(mm_, first, stop, refill_);
      begin_ = std::min(begin_, first);
      end_ = std::max(end_, stop);
    }
    core.charge(static_cast<std::int64_t>(stop - first) * work.pte_scan +
                    cleared * work.pte_clear + (anon + file) * work.page_unref,
                Account::work);
    if (misses.count() != 0) core.charge(misses, Account::coherence);
    for (const FrameNumber frame : unmapped_)
      page_unmapped(system_, core, frame);
  }
  lock.unlock(core);
}

void MmuGather::unhook(Core& core, PageNumber floor, PageNumber ceiling) {
  tables_ = unhook_tables(system_, core, mm_, floor, ceiling);
  for (const UnhookedTable& table : tables_) { // __pte_free_tlb(): the flush covers where the table began
    system_.oracle.entry_changed(mm_, table.base, table.base + 1);
    begin_ = std::min(begin_, table.base);
    end_ = std::max(end_, table.base + 1);
  }
}

void MmuGather::finish(Core& core) {
  if (full_mm_ && begin_ < end_)
    system_.flusher.flush_mm(core, mm_, !tables_.empty());
  else if (begin_ < end_)
    system_.flusher.flush_range(core, mm_, begin_, end_, !tables_.empty());
  begin_ = PageNumber(~std::uint64_t{0});
  end_ = PageNumber(0);
  free_pages(core);
  free_tables(system_, core, mm_, tables_);
}

// tlb_batch_pages_flush(): batch by batch.
void MmuGather::free_pages(Core& core) {
  auto batch = static_cast<std::size_t>(system_.parameters.gather_bundle);
  for (std::span<FrameNumber> left = pages_; !left.empty();) {
    batch = std::min(batch, left.size());
    system_.lru->free_pages_and_swap_cache(core, left.first(batch));
    left = left.subspan(batch);
    batch = static_cast<std::size_t>(system_.parameters.gather_batch);
  }
  pages_.clear();
}

void put_page(System& system, Core& core, FrameNumber frame) { system.lru->put_page(core, frame); }

} // namespace mmsim
