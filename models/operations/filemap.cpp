#include "models/operations/filemap.hpp"

#include "models/operations/gather.hpp"
#include "models/reclaim/readahead.hpp"

#include <algorithm>
#include <utility>

namespace mmsim {

void MmapLockForIo::maybe_drop() {
  if (!fault_.may_retry || dropped_) return;
  file_.get(fault_.core());
  fault_.mm.mmap_lock.up_read(fault_.task);
  dropped_ = true;
}

void MmapLockForIo::put_file() {
  if (dropped_) file_.put(fault_.core());
}

namespace {

/// The end of a fault without a page.
FilePage give_up(MmapLockForIo& mmap_lock, FaultKind error) {
  mmap_lock.put_file();
  return {nullptr, mmap_lock.dropped() ? FaultKind::retry : error};
}

/// A new page of the file, locked; null with `no_memory`, or if another was faster.
CachedPage* add_page(const VmFault& fault, File& file, std::uint64_t pgoff, Gfp gfp, bool& no_memory) {
  const FrameNumber frame = fault.system.pages.alloc_page(fault.core(), gfp);
  no_memory = frame == no_frame;
  if (no_memory) return nullptr;
  CachedPage* page = file.add_to_page_cache_lru(fault.core(), frame, pgoff);
  if (page == nullptr) put_page(fault.system, fault.core(), frame); // EEXIST
  return page;
}

void asked_for(const VmFault& fault, CachedPage& page) {
  if (std::exchange(page.ahead, false)) fault.system.counters.add(Counter::readahead_hit);
}

bool is_uptodate(const PageCache& cache, const CachedPage& page) {
  return (cache.flags(page) & PG_uptodate) != 0;
}

/// The page was not up to date: readpage() and the wait for it. False if the device fails it (EIO). The
/// reference goes.
bool read_and_wait(const VmFault& fault, File& file, CachedPage& page) {
  PageCache& cache = fault.system.page_cache;
  file.read_page(fault.core(), page);
  cache.wait_on_page_locked(fault.task, page);
  const bool read = is_uptodate(cache, page);
  file.put_page(fault.core(), page);
  if (!read) file.ra.ra_pages /= 4; // shrink_readahead_size_eio()
  return read;
}

void do_sync_mmap_readahead(const VmFault& fault, MmapLockForIo& mmap_lock, File& file, std::uint64_t pgoff) {
  FileRaState& ra = file.ra;
  if (fault.vma.has(VM_RAND_READ) || ra.ra_pages == 0) return;
  if (fault.vma.has(VM_SEQ_READ)) {
    mmap_lock.maybe_drop();
    page_cache_sync_readahead(fault.task, file, pgoff, ra.ra_pages);
    return;
  }
  if (ra.mmap_miss < mmap_lotsamiss * 10) ++ra.mmap_miss;
  if (ra.mmap_miss > mmap_lotsamiss) return; // it only hurts
  mmap_lock.maybe_drop();
  read_around(fault.task, file, pgoff);
}

void do_async_mmap_readahead(const VmFault& fault, MmapLockForIo& mmap_lock, File& file, CachedPage& page,
                             std::uint64_t pgoff) {
  FileRaState& ra = file.ra;
  if (fault.vma.has(VM_RAND_READ) || ra.ra_pages == 0) return;
  if (ra.mmap_miss > 0) --ra.mmap_miss;
  if ((fault.system.page_cache.flags(page) & PG_reclaim) == 0) return; // PageReadahead()
  mmap_lock.maybe_drop();
  page_cache_async_readahead(fault.task, file, page, pgoff, ra.ra_pages);
}

FilePage filemap_fault_5_10(const VmFault& fault, File& file, std::uint64_t pgoff) {
  PageCache& cache = fault.system.page_cache;
  MmapLockForIo mmap_lock(fault);
  CachedPage* page = file.find_get_page(fault.core(), pgoff);
  if (page == nullptr) {
    fault.system.counters.add(Counter::pgmajfault);
    do_sync_mmap_readahead(fault, mmap_lock, file, pgoff);
  } else if (fault.may_retry) {
    do_async_mmap_readahead(fault, mmap_lock, file, *page, pgoff);
  }
  for (;; page = nullptr) {
    while (page == nullptr) { // retry_find: pagecache_get_page(FGP_CREAT | FGP_FOR_MMAP)
      page = file.find_get_page(fault.core(), pgoff);
      if (page != nullptr) break;
      bool no_memory = false;
      page = add_page(fault, file, pgoff, GFP_HIGHUSER_MOVABLE, no_memory);
      if (no_memory) return give_up(mmap_lock, FaultKind::out_of_memory);
      if (page != nullptr) cache.unlock_page(fault.core(), *page);
    }
    if (!cache.trylock_page(fault.core(), *page)) { // lock_page_maybe_drop_mmap()
      mmap_lock.maybe_drop();
      cache.lock_page(fault.task, *page);
    }
    if (page->mapping != &file) { // truncated, or reclaimed
      cache.unlock_page(fault.core(), *page);
      file.put_page(fault.core(), *page);
      continue;
    }
    if (is_uptodate(cache, *page)) {
      asked_for(fault, *page);
      if (!mmap_lock.dropped()) return {page, {}};
      cache.unlock_page(fault.core(), *page);
      file.put_page(fault.core(), *page);
      return give_up(mmap_lock, FaultKind::retry);
    }
    mmap_lock.maybe_drop(); // page_not_uptodate
    const bool read = read_and_wait(fault, file, *page);
    if (mmap_lock.dropped() || !read) return give_up(mmap_lock, FaultKind::bus_error);
  }
}

/// find_lock_page(): null if it is not in memory.
CachedPage* find_lock_page(const VmFault& fault, File& file, std::uint64_t pgoff) {
  PageCache& cache = fault.system.page_cache;
  for (;;) {
    CachedPage* page = file.find_get_page(fault.core(), pgoff);
    if (page == nullptr) return nullptr;
    cache.lock_page(fault.task, *page);
    if (page->mapping == &file) return page;
    cache.unlock_page(fault.core(), *page);
    file.put_page(fault.core(), *page);
  }
}

/// The read-ahead of filemap_fault() before it looks for the page again; with it the page if it is there now.
CachedPage* find_after_readahead(const VmFault& fault, File& file, std::uint64_t pgoff, bool& major) {
  FileRaState& ra = file.ra;
  CachedPage* page = find_lock_page(fault, file, pgoff);
  if (fault.vma.has(VM_SEQ_READ)) {
    if (page == nullptr) {
      page_cache_sync_readahead(fault.task, file, pgoff, 1);
      page = find_lock_page(fault, file, pgoff);
      if (page == nullptr) return nullptr;
    }
    if ((fault.system.page_cache.flags(*page) & PG_reclaim) != 0)
      page_cache_async_readahead(fault.task, file, *page, pgoff, 1);
    return page;
  }
  if (page != nullptr) return page;
  if (++ra.mmap_miss > mmap_lotsamiss) return nullptr;
  if (!std::exchange(major, true)) fault.system.counters.add(Counter::pgmajfault);
  if (ra.ra_pages != 0) {
    const std::uint64_t start = pgoff - std::min(pgoff, ra.ra_pages / 2);
    file.page_cache_ra(fault.task, start, ra.ra_pages, 0, pgoff); // do_page_cache_readahead()
  }
  return find_lock_page(fault, file, pgoff);
}

FilePage filemap_fault_2_6_24(const VmFault& fault, File& file, std::uint64_t pgoff) {
  PageCache& cache = fault.system.page_cache;
  FileRaState& ra = file.ra;
  bool major = false;
  for (bool read_ahead = !fault.vma.has(VM_RAND_READ);; read_ahead = true) {
    CachedPage* page = read_ahead ? find_after_readahead(fault, file, pgoff, major) : nullptr;
    if (page == nullptr) { // no_cached_page: page_cache_read()
      bool no_memory = false;
      page = add_page(fault, file, pgoff, GFP_HIGHUSER_MOVABLE | gfp_cold, no_memory);
      if (no_memory) return {nullptr, FaultKind::out_of_memory};
      if (page == nullptr) continue;
      if (!std::exchange(major, true)) fault.system.counters.add(Counter::pgmajfault);
      file.read_page(fault.core(), *page);
      file.put_page(fault.core(), *page);
      continue;
    }
    if (!major && ra.mmap_miss > 0) --ra.mmap_miss;
    if (is_uptodate(cache, *page)) {
      asked_for(fault, *page);
      if (fault.system.parameters.mark_accessed == "fault")
        fault.system.lru->mark_page_accessed(fault.core(), page->frame);
      ra.prev = pgoff;
      return {page, {}};
    }
    if (!std::exchange(major, true)) fault.system.counters.add(Counter::pgmajfault);
    if (!read_and_wait(fault, file, *page))
      return {nullptr, FaultKind::bus_error}; // read once more, and in vain
  }
}

} // namespace

FilePage filemap_fault(const VmFault& fault) {
  File& file = *fault.vma.file;
  const std::uint64_t pgoff = fault.pgoff();
  if (pgoff >= file.pages) return {nullptr, FaultKind::bus_error};
  return fault.system.parameters.fault_retry ? filemap_fault_5_10(fault, file, pgoff)
                                             : filemap_fault_2_6_24(fault, file, pgoff);
}

void page_add_file_rmap(System& system, Core& core, const Mapping& mapping, CachedPage& page,
                        RmapReserve* reserve) {
  core.rmw(page.line); // _mapcount
  ++mapping.mm.rss_file;
  system.rmap->page_add_file(core, page.frame, mapping, reserve);
}

namespace {

/// A page of filemap_map_pages(): true if it is mapped now.
bool map_page(const VmFault& fault, File& file, PageNumber address, std::uint64_t pgoff) {
  PageCache& cache = fault.system.page_cache;
  Core& core = fault.core();
  const CachedPage* there = file.page_at(pgoff); // xas_for_each(): the node is at hand
  if (there == nullptr || (cache.flags(*there) & (PG_locked | PG_reclaim)) != 0)
    return false; // next_uptodate_page()
  CachedPage* page = file.next_page(core, pgoff);
  if (page == nullptr) return false;
  TablePage& table = fault.slot.table;
  const std::size_t index = address.value() & 511;
  bool mapped = false;
  if (is_uptodate(cache, *page) && cache.trylock_page(core, *page)) {
    if (page->mapping == &file && table.words[index].none()) { // alloc_set_pte()
      if (file.ra.mmap_miss > 0) --file.ra.mmap_miss;
      asked_for(fault, *page);
      page_add_file_rmap(fault.system, core, {fault.mm, fault.vma, address, table, index}, *page);
      core.charge(fault.work().pte_set, Account::work);
      core.settle();
      const std::uint64_t prot = pte_young; // vm_page_prot: a write to it must be noticed
      PageTable::set(table, index, table.words[index].mapped(page->frame, prot));
      mapped = true;
      file.hand_over(*page); // the reference is the mapping's; while it is locked nobody takes the page away
    }
    cache.unlock_page(core, *page);
  }
  if (!mapped) file.put_page(core, *page);
  return mapped;
}

} // namespace

bool do_fault_around(const VmFault& fault) {
  const std::uint64_t pages = fault.system.parameters.fault_around.value() / bytes_per_frame;
  if (pages <= 1) return false;
  const Vma& vma = fault.vma;
  File& file = *vma.file;
  // The window is aligned, and stays in the area, the file and the table.
  PageNumber begin(fault.page.value() & ~(pages - 1));
  PageNumber end = std::min(begin + pages, vma.end);
  begin = std::max({begin, vma.begin, PageNumber(fault.page.value() & ~std::uint64_t{511})});
  end = std::min(end, PageNumber((fault.page.value() | 511) + 1));
  Core& core = fault.core();
  fault.system.rcu().read_lock(core);
  file.begin_walk(core);
  fault.lock().lock(core);
  core.settle();
  for (PageNumber page = begin; page < end; ++page) {
    const std::uint64_t pgoff = vma.pgoff + (page - vma.begin);
    if (pgoff >= file.pages) break;
    core.charge(fault.work().pte_scan, Account::work);
    map_page(fault, file, page, pgoff);
  }
  core.settle();
  const bool solved = !fault.slot.entry().none();
  fault.lock().unlock(core);
  fault.system.rcu().read_unlock(core);
  return solved;
}

} // namespace mmsim
