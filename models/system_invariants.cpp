// What must add up at a quiescent point, over all mechanisms together: System::check_invariants().
#include "models/system.hpp"

#include <algorithm>
#include <spdlog/fmt/fmt.h>
#include <unordered_map>
#include <unordered_set>

namespace mmsim {

namespace {
/// Calls visit(page, last-level table, index) for every entry that is not none below `table`, whose first page is `base`, and counts
/// the tables that have frames of their own.
template <class Visit>
std::uint64_t walk(TablePage& table, int level, PageNumber base, Visit&& visit) {
  std::uint64_t tables = table.object == no_object ? std::uint64_t{1} << table.order : 0;
  if (level == 0) {
    for (std::size_t i = 0; i < table.words.size(); ++i)
      if (!table.words[i].none() && !table.words[i].special()) visit(base + i, table, i);
    return tables;
  }
  for (std::size_t i = 0; i < table.children.size(); ++i)
    if (TablePage* child = table.children[i]; child != nullptr)
      tables += walk(*child, level - 1, base + (std::uint64_t{i} << (9 * level)), visit);
  return tables;
}
/// Tables of levels up to `highest`, 0 being the last; `table` is of `level`.
std::uint64_t tables_up_to(int highest, const TablePage& table, int level) {
  std::uint64_t found = level <= highest;
  for (const TablePage* child : table.children)
    if (child != nullptr) found += tables_up_to(highest, *child, level - 1);
  return found;
}
/// What NR_PAGETABLE counts: last-level tables, in 5.10 also those above them, but no root.
std::uint64_t counted_tables(const TablePage& root, int levels, bool middle) {
  return tables_up_to(std::min(middle ? 1 : 0, levels - 2), root, levels - 1);
}
std::uint64_t tables_in_slabs(const TablePage& table) {
  std::uint64_t tables = table.object != no_object;
  for (const TablePage* child : table.children)
    if (child != nullptr) tables += tables_in_slabs(*child);
  return tables;
}
} // namespace

// What all areas together were promised is what is counted, and every mm knows how large it is.
void System::check_promises() {
  std::int64_t promised = 0;
  for (auto& [id, mm] : mms_) {
    std::int64_t total_vm = 0;
    for (const Vma& vma : mm->vmas) {
      total_vm += static_cast<std::int64_t>(vma.pages());
      if (vma.has(VM_ACCOUNT)) promised += static_cast<std::int64_t>(vma.pages());
    }
    if (total_vm != mm->total_vm)
      throw Violation(
          fmt::format("mm {}: total_vm is {}, but its areas have {} pages", id, mm->total_vm, total_vm));
  }
  if (const std::int64_t counted = overcommit.committed().exact_now(); counted != promised)
    throw Violation(
        fmt::format("vm_committed_as adds up to {} pages, but accounted areas have {}", counted, promised));
}

// Every object that a cache has given out is somebody's.
void System::check_objects() {
  slabs.check_invariants();
  std::uint64_t mm_structs = 0, areas = 0, area_locks = 0, files = 0, tables = 0;
  for (auto& [id, mm] : mms_) {
    mm_structs += mm->object != no_object;
    mm->vmas.check_invariants();
    for (const Vma& vma : mm->vmas) {
      areas += vma.object != no_object;
      area_locks += vma.lock != nullptr && vma.lock->object != no_object;
    }
    if (mm->tables.root() != nullptr) tables += tables_in_slabs(*mm->tables.root());
  }
  scheduler.for_each_task([&](const Task& task) { files += task.files != no_object; });
  const auto account_for = [](const KmemCache& cache, std::uint64_t found) {
    if (cache.in_use() != found)
      throw Violation(fmt::format("{}: {} objects are in use, but {} can be found", cache.info().name,
                                  cache.in_use(), found));
  };
  account_for(slabs.mm_struct, mm_structs);
  account_for(slabs.vm_area_struct, areas);
  account_for(slabs.files, files);
  if (slabs.pgtable) account_for(*slabs.pgtable, tables);
  if (VmaLocks* locks = vma_trees.locks()) account_for(locks->cache(), area_locks);
  if (const MapleNodes* nodes = vma_trees.maple_nodes())
    account_for(*vma_trees.maple_node_cache(), nodes->with_memory());
  rmap->check_invariants();
}

// PageAnonExclusive(): one entry maps the page, and none has its slot.
void System::check_exclusive(FrameNumber number, std::uint32_t swap_entries) {
  const Frame& frame = pages[number];
  if ((frame.flags & PG_anon_exclusive) == 0) return;
  if (!parameters.anon_exclusive() || frame.mapcount > 1 || (frame.flags & PG_file) != 0 || swap_entries > 0)
    throw Violation(
        fmt::format("frame {} is exclusive, but {} entries map it and {} name its slot, its flags are "
                    "{:#x}, and the kernel {} exclusive pages",
                    number.value(), int{frame.mapcount}, swap_entries, unsigned{frame.flags},
                    parameters.anon_exclusive() ? "has" : "does not know"));
}

/// Frames with user pages by what they are.
struct System::UserPages {
  std::uint64_t anon_mapped = 0, file_mapped = 0, cached = 0, dirty = 0;
};

// vm_stat says what the structures say, whatever its CPUs keep back.
void System::check_statistics(const UserPages& user, std::uint64_t pagetable) {
  const auto counted = [&](VmStatItem item, std::uint64_t found) {
    std::int64_t sum = 0;
    for (std::uint32_t node = 0; node < pages.layout().nodes(); ++node)
      sum += pages.vm_stat().exact_of_node(NodeId(node), item);
    if (sum != static_cast<std::int64_t>(found))
      throw Violation(fmt::format("vm_stat counts {} pages of item {}, but there are {}", sum,
                                  static_cast<int>(item), found));
  };
  counted(NR_ANON_MAPPED, user.anon_mapped);
  counted(NR_FILE_MAPPED, user.file_mapped);
  counted(NR_FILE_PAGES, user.cached);
  counted(NR_FILE_DIRTY, user.dirty);
  counted(NR_WRITEBACK, 0);
  counted(NR_INACTIVE_FILE, lru->size(LruList::inactive_file));
  counted(NR_ACTIVE_FILE, lru->size(LruList::active_file));
  counted(NR_PAGETABLE, pagetable);
  counted(NR_INACTIVE_ANON, lru->size(LruList::inactive));
  counted(NR_ACTIVE_ANON, lru->size(LruList::active));
  std::uint64_t reclaimable = 0;
  for (const KmemCache* cache : slabs.all())
    if (cache->reclaimable()) reclaimable += cache->frames();
  counted(NR_SLAB_RECLAIMABLE, reclaimable);
  counted(NR_SLAB_UNRECLAIMABLE, slabs.frames() - reclaimable);
}

void System::check_invariants() {
  pages.check_invariants();
  check_address_spaces();
  check_promises();
  check_objects();
  if (rcu_->queued() > 0) throw Violation(fmt::format("{} RCU callbacks have never run", rcu_->queued()));
  std::unordered_map<std::uint32_t, std::int32_t> mappings; // by frame
  std::unordered_map<std::uint32_t, std::uint32_t> swapped; // entries by slot
  std::unordered_set<std::uint32_t> swp_exclusive;          // slots that are one entry's own
  std::uint64_t table_frames = 0, pagetable = 0;
  for (auto& [id, mm] : mms_) {
    std::int64_t anon = 0, file = 0, swapents = 0;
    if (mm->tables.root() != nullptr)
      table_frames += walk(
          *mm->tables.root(), mm->tables.shape().levels - 1, PageNumber(0),
          [&](PageNumber page, TablePage& table, std::size_t index) {
            if (table.words[index].is_swap()) {
              ++swapents;
              ++swapped[table.words[index].swap_entry().word()];
              if (table.words[index].swp_exclusive())
                swp_exclusive.insert(table.words[index].swap_entry().word());
              return;
            }
            const FrameNumber frame = table.words[index].frame();
            const std::uint32_t flags = pages[frame].flags;
            ++((flags & PG_file) != 0 ? file : anon);
            if (parameters.anon_exclusive() && table.words[index].writable() &&
                (flags & (PG_file | PG_anon_exclusive)) == 0)
              throw Violation(fmt::format("mm {} may write to page {:#x}, whose frame {} is not exclusive",
                                          id, page.value(), frame.value()));
            ++mappings[frame.value()];
            Vma* const vma = mm->vmas.find(page);
            if (vma == nullptr || !vma->contains(page))
              throw Violation(fmt::format("mm {} maps page {:#x}, which is in no area", id, page.value()));
            rmap->check_mapping(frame, {*mm, *vma, page, table, index});
          });
    if (mm->tables.root() != nullptr)
      pagetable += counted_tables(*mm->tables.root(), mm->tables.shape().levels, pages.vm_stat().has_nodes());
    if (anon != mm->rss_anon || file != mm->rss_file)
      throw Violation(fmt::format("mm {}: rss is {} anonymous and {} file pages, but {} and {} are mapped",
                                  id, mm->rss_anon, mm->rss_file, anon, file));
    if (swapents != mm->swapents)
      throw Violation(fmt::format("mm {}: MM_SWAPENTS is {}, but {} of its entries are swap entries", id,
                                  mm->swapents, swapents));
    if (mm->users.value() == 0 && !mm->open_changes.empty())
      throw Violation(fmt::format("mm {}: it is gone, but {} of its changes were never flushed", id,
                                  mm->open_changes.size()));
  }
  page_cache.check_invariants();
  swap.check_invariants([&](SwapEntry entry) {
    const auto found = swapped.find(entry.word());
    return found == swapped.end() ? 0 : found->second;
  });
  swap.for_each_cached([&](const CachedPage& page) { mappings.try_emplace(page.frame.value(), 0); });
  for (const std::uint32_t slot : swp_exclusive)
    if (swapped[slot] != 1)
      throw Violation(fmt::format("{} entries name the swap slot {:#x}, which one of them has for its own",
                                  swapped[slot], slot));
  UserPages user{.cached = page_cache.nrpages() + swap.cached(), .dirty = page_cache.dirty_pages()};
  std::unordered_set<std::uint32_t> cached;
  page_cache.for_each_page([&](const CachedPage& page) {
    cached.insert(page.frame.value());
    mappings.try_emplace(page.frame.value(), 0);
  });
  const Lru::Census lru_pages = lru->check_invariants();
  std::uint64_t listed = 0, only_in_pagevecs = lru_pages.in_pagevecs.size();
  for (const auto& [number, count] : mappings) {
    const Frame& frame = pages[FrameNumber(number)];
    const auto held = lru_pages.in_pagevecs.find(number);
    const std::int32_t pagevecs = held == lru_pages.in_pagevecs.end() ? 0 : held->second;
    const bool in_cache = cached.contains(number), in_swap_cache = (frame.flags & PG_swapcache) != 0;
    const auto by_slot =
        in_swap_cache ? swapped.find(swap.entry_of(FrameNumber(number)).word()) : swapped.end();
    check_exclusive(FrameNumber(number), by_slot == swapped.end() ? 0 : by_slot->second);
    if (by_slot != swapped.end() && swp_exclusive.contains(by_slot->first) && frame.mapcount > 0)
      throw Violation(fmt::format("frame {} is mapped {} times, though a swap entry has its slot for its own",
                                  number, int{frame.mapcount}));
    if (frame.mapcount != count || frame.refcount != count + pagevecs + in_cache + in_swap_cache)
      throw Violation(
          fmt::format("frame {}: {} entries map it and {} pagevecs hold it, but its mapcount is {} and its "
                      "refcount {}; it is {} the page cache and {} the swap cache",
                      number, count, pagevecs, frame.mapcount, frame.refcount, in_cache ? "in" : "not in",
                      in_swap_cache ? "in" : "not in"));
    if (in_cache != ((frame.flags & PG_file) != 0))
      throw Violation(fmt::format("frame {}, mapped {} times, is {} the page cache, but its flags are {:#x}",
                                  number, count, in_cache ? "in" : "not in", unsigned{frame.flags}));
    if (count == 0 && pages.links(FrameNumber(number)).rmap != nullptr)
      throw Violation(
          fmt::format("frame {}: nobody maps it, but the reverse map has something of it", number));
    if (count > 0) ++(in_cache ? user.file_mapped : user.anon_mapped);
    const bool on_list = (frame.flags & PG_lru) != 0;
    if (on_list == lru_pages.on_their_way.contains(number))
      throw Violation(fmt::format("frame {}, mapped {} times, is {} an LRU list and in {} pagevecs", number,
                                  count, on_list ? "on" : "not on", pagevecs));
    listed += on_list ? 1 : 0;
    only_in_pagevecs -= pagevecs > 0 ? 1 : 0;
  }
  for (const auto& [number, references] : lru_pages.in_pagevecs)
    if (!mappings.contains(number) && (pages[FrameNumber(number)].flags & PG_lru) != 0) ++listed;
  if (listed != lru_pages.listed)
    throw Violation(fmt::format("{} frames are on LRU lists, but {} of those that are mapped say so",
                                lru_pages.listed, listed));
  // A page whose mappings went while another CPU's pagevec held it stays until that CPU adds to it or drains
  // it.
  if (pages.allocated_frames() != mappings.size() + only_in_pagevecs + table_frames + slabs.frames())
    throw Violation(fmt::format("{} frames are allocated, but {} are mapped or cached, {} only held by "
                                "pagevecs, {} are tables and {} in "
                                "slabs: some have leaked",
                                pages.allocated_frames(), mappings.size(), only_in_pagevecs, table_frames,
                                slabs.frames()));
  check_statistics(user, pagetable);
}

} // namespace mmsim
