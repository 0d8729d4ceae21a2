// No reverse map: a page's mappings are met by walking address spaces.
//
//   while (nobody has freed enough) system.rmap->swap_out(task, SWAP_CLUSTER_MAX);
//
// Models swap_out(), swap_out_mm(), swap_out_vma() with its two levels, and try_to_swap_out() of mm/vmscan.c, 2.4.18. The
// circle of address spaces (mm_list.hpp) is walked once at most; each mm keeps where the walk goes on in it
// (swap_address) and is kept by a user's reference meanwhile. Its areas and tables are walked under page_table_lock, entry
// by entry: one that is young becomes old; else, unless the page is on the active list or locked, it is cleared and
// flushed, and the page
//   in the swap cache     leaves its swap entry behind,
//   clean or of a file    nothing,
//   else                  gets a slot and goes to the swap cache, dirty; without a slot the entry comes back.
// So a page that many share loses its mappings one after the other, round by round, and each may come back by a fault
// before the last has gone. Only a page that nobody else has then counts for the caller.
//
// A mapping costs nothing to make or to take away, and no memory. Where tables have locks of their own
// (kernel.pt_lock = "split", which 2.4 does not know) theirs is taken inside page_table_lock. 2.4 also changes areas and
// takes tables away under page_table_lock, which later kernels do not: so a table is looked up again wherever time has
// passed, and one that has gone is left.
//
// Left out: zones that are not under pressure (memclass()); buffers. `priority` says nothing in 2.4.18.
#include "models/operations/process.hpp"
#include "models/rmap/unmap.hpp"
#include "models/system.hpp"

#include <algorithm>

namespace mmsim {

namespace {

class ScanMap final : public ReverseMap {
 public:
  using ReverseMap::ReverseMap;

  void for_each_mapping(Task&, FrameNumber, FunctionRef<Walk(const Mapping&)>) override {}
  bool finds_mappings() const override { return false; }
  std::uint64_t swap_out(Task& task, std::uint64_t wanted) override;
  std::uint64_t bytes() const override { return 0; }

 private:
  std::uint64_t swap_out_mm(Core& core, MmStruct& mm, std::uint64_t wanted, std::int64_t& counter);
  std::uint64_t swap_out_table(Core& core, MmStruct& mm, Vma& vma, PageNumber& page, std::uint64_t wanted);
  bool try_to_swap_out(Core& core, FrameNumber frame, const Mapping& mapping, std::uint32_t vm_flags);
  bool drop_pte(Core& core, FrameNumber frame, const Mapping& mapping);
};

std::uint64_t ScanMap::swap_out(Task& task, std::uint64_t wanted) {
  MmList& list = *system_.mm_list;
  std::uint64_t found = 0;
  std::int64_t counter = list.size();
  do {
    system_.scheduler.resched_point(task);
    MmStruct* const mm = list.get_swap_mm(task.core());
    if (mm == nullptr) break;
    found += swap_out_mm(task.core(), *mm, wanted - found, counter);
    mmput(system_, task.core(), *mm);
  } while (found < wanted && --counter >= 0);
  return found;
}

std::uint64_t ScanMap::swap_out_mm(Core& core, MmStruct& mm, std::uint64_t wanted, std::int64_t& counter) {
  const PageNumber task_size = mm.tables.shape().end();
  std::uint64_t found = 0;
  mm.page_table_lock->lock(core);
  core.settle();
  if (mm.swap_address == task_size ||
      !system_.mm_list->is_swap_mm(mm)) { // another CPU has been through it meanwhile
    ++counter;
    mm.page_table_lock->unlock(core);
    return 0;
  }
  PageNumber page = mm.swap_address;
  Vma* vma = mm.vmas.find(page);
  core.charge(mm.vmas.levels_walked() * mm.vmas.level_cost(core), Account::work);
  // Areas may come and go while time passes: each is looked for when its turn comes.
  for (; vma != nullptr && found < wanted; vma = mm.vmas.find(page)) {
    page = std::max(page, vma->begin);
    found += swap_out_table(core, mm, *vma, page, wanted - found);
    core.settle();
    mm.swap_address = page;
  }
  if (vma == nullptr) mm.swap_address = task_size;
  mm.page_table_lock->unlock(core);
  return found;
}

// swap_out_pmd(): what one last-level table maps of an area, from `page` on, which moves.
std::uint64_t ScanMap::swap_out_table(Core& core, MmStruct& mm, Vma& vma, PageNumber& page,
                                      std::uint64_t wanted) {
  const std::uint32_t vm_flags = vma.flags;
  if ((vm_flags & VM_RESERVED) != 0) {
    page = vma.end;
    return 0;
  }
  const WorkCosts& work = core.costs().work;
  const PageNumber end = std::min(vma.end, PageNumber((page.value() | 511) + 1));
  core.charge((mm.tables.shape().levels - 1) * work.table_walk_level, Account::work);
  TablePage* const table = mm.tables.leaf(page);
  if (table == nullptr) {
    page = end;
    return 0;
  }
  if (table->lock) table->lock->lock(core);
  core.settle();
  // Whoever takes the table away has cleared its entries before, under this lock: one that is not there now has gone
  // while the lock was waited for, and one that maps something stays. So nothing is read before that is known.
  std::uint64_t found = 0;
  for (; page < end && found < wanted && mm.tables.leaf(page) == table; ++page) {
    core.charge(work.pte_scan, Account::work);
    const Mapping mapping{mm, vma, page, *table, mm.tables.index(page, 0)};
    if (!mapping.entry().present() || mapping.entry().special()) continue; // VALID_PAGE(), PageReserved()
    core.settle();
    if (mm.tables.leaf(page) != table) break;
    const Pte entry = mapping.entry();
    if (!entry.present()) continue;
    core.counters().add(Counter::swapout_scan);
    core.counters().add(Counter::rmap_visits);
    found += try_to_swap_out(core, entry.frame(), mapping, vm_flags);
  }
  if (table->lock) table->lock->unlock(core);
  return found;
}

// True if the page can be freed now.
bool ScanMap::try_to_swap_out(Core& core, FrameNumber frame, const Mapping& mapping, std::uint32_t vm_flags) {
  Frame& page = system_.pages[frame];
  PageWaitTable& waits = system_.page_cache.waits;
  if ((vm_flags & VM_LOCKED) != 0 || ptep_clear_flush_young(system_, core, mapping)) {
    system_.lru->mark_page_accessed(core, frame);
    return false;
  }
  if ((page.flags & PG_active) != 0 || !waits.trylock_page(core, frame)) return false;
  system_.before_entries_change(core);
  const Pte old = mapping.entry();
  PageTable::set(mapping.table, mapping.index, old.cleared());
  core.charge(core.costs().work.pte_clear, Account::work);
  if (old.valid()) system_.oracle.entry_changed(mapping.mm, mapping.page, mapping.page + 1);
  system_.flusher.flush_page(core, mapping.mm, mapping.page);
  if (old.dirty()) set_page_dirty(system_, core, frame);
  const bool recoverable = (page.flags & (PG_swapcache | PG_file)) != 0 || (page.flags & PG_dirty) == 0;
  if (recoverable || system_.swap.add_to_swap(core, frame)) return drop_pte(core, frame, mapping);
  core.settle();
  const Pte cleared = mapping.entry();
  const Pte back = cleared.mapped(old.frame(), old.flags());
  PageTable::set(mapping.table, mapping.index, old.valid() ? back : back.prot_none());
  core.charge(core.costs().work.pte_set, Account::work);
  waits.unlock_page(core, frame);
  return false;
}

bool ScanMap::drop_pte(Core& core, FrameNumber frame, const Mapping& mapping) {
  core.counters().add(Counter::rmap_unmapped);
  const Frame& page = system_.pages[frame];
  const bool freeable = page.refcount <= 2; // the cache's, and this mapping's
  // Locked, a cache keeps the page, with its slot, until the entry has its count of it. A page without a cache may be
  // free after this.
  const bool cached = (page.flags & (PG_swapcache | PG_file)) != 0;
  if (!cached) system_.page_cache.waits.unlock_page(core, frame);
  drop_mapping(system_, core, frame, mapping);
  if (cached) system_.page_cache.waits.unlock_page(core, frame);
  return freeable;
}

const Registered<ReverseMap> scan{"scan", "none: swap_out() walks address spaces (to 2.5.26)",
                                  [](System& system) { return std::make_unique<ScanMap>(system); }};

} // namespace
} // namespace mmsim
