#include "models/rmap/unmap.hpp"

#include "models/operations/gather.hpp"
#include "models/operations/gup.hpp"
#include "models/system.hpp"

#include <stdexcept>

namespace mmsim {

bool ptep_clear_flush_young(System& system, Core& core, const Mapping& mapping) {
  system.before_entries_change(core); // user code that runs until now has used it
  Pte& entry = mapping.table.words[mapping.index];
  core.charge(core.costs().work.pte_scan, Account::work);
  if (!entry.young()) return false;
  entry = entry.aged();
  core.charge(core.costs().work.pte_wrprotect, Account::work); // as atomic as that
  if (system.unmap.young_flush == "sync")
    system.flusher.flush_page(core, mapping.mm, mapping.page);
  else if (system.unmap.young_flush == "nosync")
    system.flusher.flush_page_nosync(core, mapping.mm, mapping.page);
  return true;
}

int page_referenced(System& system, Task& task, FrameNumber frame, bool* executable, bool is_locked) {
  task.core().settle();
  const Frame& page = system.pages[frame];
  if (executable != nullptr) *executable = false;
  if (page.mapcount == 0) return 0;
  const bool we_lock = !is_locked && (page.flags & PG_file) != 0;
  if (we_lock && !system.page_cache.waits.trylock_page(task.core(), frame)) return 1;
  int referenced = 0, left = page.mapcount;
  system.rmap->for_each_mapping(task, frame, [&](const Mapping& mapping) {
    if (mapping.vma.has(VM_LOCKED)) return Walk::stop;
    const bool ignored = system.unmap.seq_read_unreferenced && mapping.vma.has(VM_SEQ_READ);
    if (ptep_clear_flush_young(system, task.core(), mapping) && !ignored) {
      ++referenced;
      if (executable != nullptr) *executable = *executable || mapping.vma.has(VM_EXEC);
    }
    if (&mapping.mm != task.mm && system.swap.has_swap_token(mapping.mm)) ++referenced;
    return --left > 0 ? Walk::go_on : Walk::stop;
  });
  if (we_lock) system.page_cache.waits.unlock_page(task.core(), frame);
  return referenced;
}

void set_page_dirty(System& system, Core& core, FrameNumber frame) {
  Frame& page = system.pages[frame];
  CachedPage* const cached = system.pages.links(frame).cached;
  if ((page.flags & PG_file) != 0) {
    if (cached->mapping != nullptr) cached->mapping->set_page_dirty(core, *cached);
    return;
  }
  if ((page.flags & PG_dirty) != 0) return;
  if (cached != nullptr) core.rmw(cached->line);
  page.flags |= PG_dirty;
}

void drop_mapping(System& system, Core& core, FrameNumber frame, const Mapping& mapping) {
  const WorkCosts& work = core.costs().work;
  Frame& page = system.pages[frame];
  if ((page.flags & PG_file) != 0) {
    --mapping.mm.rss_file;
  } else {
    --mapping.mm.rss_anon;
    const bool exclusive = (page.flags & PG_anon_exclusive) != 0;
    page.flags &= ~std::uint32_t{PG_anon_exclusive}; // page_try_share_anon_rmap(): the entry says it now
    if ((page.flags & PG_swapcache) != 0) {
      const SwapEntry slot = system.swap.entry_of(frame);
      system.swap.swap_duplicate(core, slot);
      core.settle();
      ++mapping.mm.swapents;
      PageTable::set(mapping.table, mapping.index, mapping.entry().swapped(slot, exclusive));
      core.charge(work.pte_set, Account::work);
    }
  }
  system.rmap->page_remove(core, frame, mapping);
  core.charge(work.page_unref, Account::work);
  core.settle();
  put_page(system, core, frame);
}

namespace {

// set_tlb_ubc_flush_pending().
void defer_flush(System& system, Core& core, const Mapping& mapping, bool dirty, UnmapBatch& batch) {
  system.flusher.batch_add(core, mapping.mm, mapping.page, batch.tlb);
  batch.flush_required = true;
  batch.writable = batch.writable || dirty;
}

// try_to_unmap_one() from ptep_clear_flush() on. False: the page is exclusive and may be pinned. The kernel finds that out
// once the entry is cleared, and sets it again (page_try_share_anon_rmap()); here both are one instant.
bool unmap_one(System& system, Core& core, FrameNumber frame, const Mapping& mapping, UnmapBatch* batch) {
  const bool deferred = batch != nullptr && system.flusher.batches(core, mapping.mm);
  system.before_entries_change(core);
  const Frame& page = system.pages[frame];
  if ((page.flags & PG_anon_exclusive) != 0 && page_maybe_dma_pinned(page)) return false;
  const Pte old = mapping.entry();
  PageTable::set(mapping.table, mapping.index, old.cleared());
  core.charge(core.costs().work.pte_clear, Account::work);
  core.counters().add(Counter::rmap_unmapped);
  if (old.valid()) { // pte_accessible(): else no TLB has it
    // Until the flush a write to a private area may put a copy where others still read the file's page.
    const bool may_be_copied = mapping.vma.file != nullptr && mapping.vma.is_private();
    system.oracle.entry_changed(mapping.mm, mapping.page, mapping.page + 1,
                                deferred && may_be_copied ? Refill::allowed : Refill::forbidden);
    if (deferred)
      defer_flush(system, core, mapping, old.dirty(), *batch);
    else
      system.flusher.flush_page(core, mapping.mm, mapping.page);
  }
  if (old.dirty()) set_page_dirty(system, core, frame);
  drop_mapping(system, core, frame, mapping);
  return true;
}

} // namespace

Unmapped try_to_unmap(System& system, Task& task, FrameNumber frame, UnmapBatch* batch) {
  const Frame& page = system.pages[frame];
  if ((page.flags & (PG_file | PG_swapcache)) == 0)
    throw std::logic_error("an anonymous page is to be unmapped that has no slot to be found by");
  bool failed = false;
  system.rmap->for_each_mapping(task, frame, [&](const Mapping& mapping) {
    Core& core = task.core();
    failed = mapping.vma.has(VM_LOCKED) ||
             (system.unmap.unmap_checks_young && ptep_clear_flush_young(system, core, mapping)) ||
             !unmap_one(system, core, frame, mapping, batch);
    if (failed) return Walk::stop;
    return page.mapcount > 0 ? Walk::go_on : Walk::stop;
  });
  task.core().settle();
  if (page.mapcount == 0) return Unmapped::success;
  return failed ? Unmapped::fail : Unmapped::again;
}

void try_to_unmap_flush(System& system, Task& task, UnmapBatch& batch) {
  if (!batch.flush_required) return;
  system.flusher.batch_flush(task.core(), batch.tlb, [&](std::uint32_t id) { return system.mm_of(id); });
  batch.flush_required = batch.writable = false;
}

} // namespace mmsim
