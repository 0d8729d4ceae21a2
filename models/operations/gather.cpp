#include "models/operations/gather.hpp"

#include "models/address_space/content_stamps.hpp"
#include "models/pages/struct_page_miss.hpp"

#include <algorithm>
#include <utility>

namespace mmsim {

void MmuGather::zap(Core& core, PageNumber begin, PageNumber end, bool sequential) {
  sequential_ = sequential;
  const auto limit = static_cast<std::size_t>(system_.parameters.gather_pages);
  for_each_table(core, mm_.tables, begin, end, [&](TablePage& table, PageNumber page, PageNumber next) {
    while (page < next) {
      const PageNumber stop = std::min(next, page + (limit - std::min(limit, pages_.size())));
      const bool flushed = zap_table(core, table, page, stop);
      page = stop;
      if (flushed || pages_.size() >= limit) finish(core); // tlb_flush_mmu(): the batch is full
    }
    return true;
  });
}

bool MmuGather::zap_table(Core& core, TablePage& table, PageNumber begin, PageNumber end) {
  const WorkCosts& work = core.costs().work;
  SpinLock& lock = system_.pte_lock(mm_, table);
  lock.lock(core);
  system_.flusher.flush_batched_pending(core, mm_);
  const bool frees_first = system_.flusher.frees_first();
  ReverseMap& rmap = *system_.rmap;
  const bool tracks = rmap.tracks_entries();
  bool force_flush = false;
  FrameNumber met = no_frame; // the last one whose struct page was looked at
  const std::uint64_t bulk = system_.steps_in_quantum(work.pte_scan + work.pte_clear + work.page_unref);
  for (PageNumber page = begin; page < end;) {
    const PageNumber stop = std::min(end, page + bulk);
    system_.before_entries_change(core);
    const PageNumber first = page;
    std::int64_t cleared = 0, anon = 0, file = 0;
    Duration misses{};
    unmapped_.clear();
    removed_.clear();
    used_.clear();
    for (; page < stop; ++page) {
      const std::size_t index = page.value() & 511;
      const Pte entry = table.words[index];
      if (entry.none()) continue;
      PageTable::set(table, index, entry.cleared());
      if (entry.is_swap()) { // no translation: nothing to flush
        swapped_.push_back(entry.swap_entry());
        continue;
      }
      ++cleared;
      if (entry.special()) continue; // the zero page is nobody's
      if (frees_first && !full_mm_)  // at an exit nobody runs user code
        system_.oracle.check_frame_free(core, mm_, system_.ids.id_of(mm_), page, entry.frame(),
                                        reinterpret_cast<const std::uint64_t*>(&table.words[index]));
      Frame& frame = system_.pages[entry.frame()];
      const bool of_file = (frame.flags & PG_file) != 0;
      ++(of_file ? file : anon);
      if (of_file && (entry.young() || entry.dirty()))
        used_.push_back({entry.frame(), entry.young(), entry.dirty()});
      if (tracks) { // page_remove_rmap(), here or below
        removed_.push_back({entry.frame(), index});
      } else if (--frame.mapcount == 0) { // by the time of page_unmapped() another may have mapped it again
        system_.pages.links(entry.frame()).rmap = nullptr;
        system_.pages.links(entry.frame()).index = 0;
        unmapped_.push_back(entry.frame());
      }
      if (!in_a_row(entry.frame(), met)) misses += struct_page_miss(core, frame);
      met = entry.frame();
      pages_.push_back(entry.frame());
    }
    if (system_.pages.stamps != nullptr) system_.pages.stamps->zapped(mm_, first, stop);
    mm_.rss_anon -= anon;
    mm_.rss_file -= file;
    if (cleared > 0) {
      system_.oracle.entry_changed(mm_, first, stop, refill_);
      begin_ = std::min(begin_, first);
      end_ = std::max(end_, stop);
    }
    core.charge(static_cast<std::int64_t>(stop - first) * work.pte_scan + cleared * work.pte_clear +
                    (anon + file) * work.page_unref,
                Account::work);
    if (misses.count() != 0) core.charge(misses, Account::coherence, system_.pages.struct_page());
    if (system_.parameters.zap_dirty_flush)
      force_flush = force_flush || std::ranges::any_of(used_, &Used::dirty);
    hand_on_flags(core);
    for (const FrameNumber frame : unmapped_)
      rmap.page_unmapped(core, frame);
    for (const Removed& removed : removed_)
      rmap.page_remove(core, removed.frame, table, removed.index);
    free_swapped(core);
    if (frees_first) { // tlb_remove_page() of asm-arm: free_page_and_swap_cache()
      for (const FrameNumber frame : pages_) {
        if ((system_.pages[frame].flags & PG_swapcache) != 0) system_.swap.free_swap_cache(core, frame);
        put_page(system_, core, frame);
      }
      pages_.clear();
    }
  }
  if (force_flush) flush(core); // tlb_flush_mmu_tlbonly(): else the page could be written back meanwhile
  lock.unlock(core);
  return force_flush;
}

// Entries that were swap entries, of which the mm has so many less.
void MmuGather::free_swapped(Core& core) {
  if (swapped_.empty()) return;
  mm_.swapents -= static_cast<std::int64_t>(swapped_.size());
  core.charge(static_cast<std::int64_t>(swapped_.size()) * core.costs().work.pte_clear, Account::work);
  for (const SwapEntry entry : swapped_)
    system_.swap.free_swap_and_cache(core, entry);
  swapped_.clear();
}

// set_page_dirty(), of a page that is not dirty anyway, and mark_page_accessed(), or SetPageReferenced() before 2.6.29.
void MmuGather::hand_on_flags(Core& core) {
  const bool marks = system_.parameters.mark_accessed == "unmap";
  for (const Used& used : used_) {
    Frame& frame = system_.pages[used.frame];
    CachedPage* const page = system_.pages.links(used.frame).cached;
    if (used.dirty && (frame.flags & PG_dirty) == 0 && page != nullptr && page->mapping != nullptr)
      page->mapping->set_page_dirty(core, *page);
    if (!used.young) continue;
    if (!marks)
      frame.flags |= PG_referenced;
    else if (!sequential_)
      system_.lru->mark_page_accessed(core, used.frame);
  }
}

void MmuGather::unhook(Core& core, PageNumber floor, PageNumber ceiling) {
  tables_ = unhook_tables(system_, core, mm_, floor, ceiling);
  for (const UnhookedTable& table : tables_) { // __pte_free_tlb(): the flush covers where the table began
    system_.oracle.entry_changed(mm_, table.base, table.base + 1);
    begin_ = std::min(begin_, table.base);
    end_ = std::max(end_, table.base + 1);
  }
}

void MmuGather::flush(Core& core) {
  if (begin_ >= end_) return;
  if (!full_mm_)
    system_.flusher.flush_range(core, mm_, begin_, end_, !tables_.empty());
  else if (!tables_.empty() || system_.parameters.exit_flush == "always")
    system_.flusher.flush_mm(core, mm_, !tables_.empty());
  begin_ = PageNumber(~std::uint64_t{0});
  end_ = PageNumber(0);
}

namespace {

// The first part of free_pages_and_swap_cache(): pages that are in the swap cache and need not be.
void free_swap_caches(System& system, Core& core, std::span<const FrameNumber> pages) {
  bool drained = false;
  for (const FrameNumber frame : pages) {
    if ((system.pages[frame].flags & PG_swapcache) == 0) continue;
    if (!std::exchange(drained, true)) system.lru->lru_add_drain(core);
    system.swap.free_swap_cache(core, frame);
  }
}

// tlb_batch_pages_flush(): batch by batch.
void free_pages(System& system, Core& core, std::vector<FrameNumber>& pages) {
  auto batch = static_cast<std::size_t>(system.parameters.gather_bundle);
  for (std::span<FrameNumber> left = pages; !left.empty();) {
    batch = std::min(batch, left.size());
    free_swap_caches(system, core, left.first(batch));
    system.lru->free_pages_and_swap_cache(core, left.first(batch));
    left = left.subspan(batch);
    batch = static_cast<std::size_t>(system.parameters.gather_batch);
  }
  pages.clear();
}

// What finish() would have freed, and the addresses, in the hands of a policy that flushes later.
class WithheldUnmap final : public Withheld {
 public:
  struct Range {
    PageNumber begin, end;
  };
  WithheldUnmap(System& system, MmStruct& mm, Range cleared, Range unmapped, std::vector<FrameNumber>& pages,
                std::vector<UnhookedTable>& tables)
      : system_(system), mm_(mm), cleared_(cleared), unmapped_(unmapped),
        ticket_(system.oracle.flush_begins(mm)) {
    pages_.swap(pages);
    tables_.swap(tables);
    mm_.withheld.add(unmapped_.begin, unmapped_.end);
  }
  void flushed() override { system_.oracle.flush_ends(mm_, cleared_.begin, cleared_.end, ticket_); }
  void release(Core& core) override {
    free_pages(system_, core, pages_);
    free_tables(system_, core, mm_, tables_);
    core.settle();
    mm_.withheld.remove(unmapped_.begin, unmapped_.end);
  }
  /// The policy does not want it.
  void give_back(std::vector<FrameNumber>& pages, std::vector<UnhookedTable>& tables) {
    pages_.swap(pages);
    tables_.swap(tables);
    mm_.withheld.remove(unmapped_.begin, unmapped_.end);
  }

 private:
  System& system_;
  MmStruct& mm_;
  const Range cleared_, unmapped_;
  const std::uint64_t ticket_; ///< of the flush that begins now
  std::vector<FrameNumber> pages_;
  std::vector<UnhookedTable> tables_;
};

} // namespace

void MmuGather::finish(Core& core) {
  flush(core);
  free_pages(system_, core, pages_);
  free_tables(system_, core, mm_, tables_);
}

void MmuGather::finish_or_defer(Core& core, PageNumber first, PageNumber end) {
  if (!system_.flusher.defers() || begin_ >= end_) return finish(core);
  core.settle();
  const bool freed_tables = !tables_.empty();
  auto unmap = std::make_unique<WithheldUnmap>(system_, mm_, WithheldUnmap::Range{begin_, end_},
                                               WithheldUnmap::Range{first, end}, pages_, tables_);
  WithheldUnmap& kept = *unmap;
  std::unique_ptr<Withheld> withheld = std::move(unmap);
  if (system_.flusher.defer(core, mm_, begin_, end_, freed_tables, withheld)) {
    begin_ = PageNumber(~std::uint64_t{0});
    end_ = PageNumber(0);
    return;
  }
  kept.give_back(pages_, tables_);
  finish(core);
}

void put_page(System& system, Core& core, FrameNumber frame) { system.lru->put_page(core, frame); }

} // namespace mmsim
