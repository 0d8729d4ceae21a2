#include "models/operations/filemap.hpp"

#include "models/operations/gather.hpp"

#include <algorithm>
#include <utility>

namespace mmsim {

namespace {

/// mmap_lock while a fault waits for a file: maybe_unlock_mmap_for_io(). The file stays (get_file()).
class MmapLockForIo {
 public:
  explicit MmapLockForIo(const VmFault& fault) : fault_(fault), file_(*fault.vma.file) {}
  void maybe_drop() {
    if (!fault_.may_retry || dropped_) return;
    file_.get(fault_.core());
    fault_.mm.mmap_lock.up_read(fault_.task);
    dropped_ = true;
  }
  bool dropped() const { return dropped_; }
  /// The end of a fault without a page: fput() of what maybe_drop() took.
  FilePage give_up(FaultKind error) {
    if (!dropped_) return {nullptr, error};
    file_.put(fault_.core());
    return {nullptr, FaultKind::retry};
  }

 private:
  const VmFault& fault_;
  File& file_;
  bool dropped_ = false;
};

/// A new page of the file, locked; null with `no_memory`, or if another was faster.
CachedPage* add_page(const VmFault& fault, File& file, std::uint64_t pgoff, Gfp gfp, bool& no_memory) {
  const FrameNumber frame = fault.system.pages.alloc_page(fault.core(), gfp);
  no_memory = frame == no_frame;
  if (no_memory) return nullptr;
  CachedPage* page = file.add_to_page_cache_lru(fault.core(), frame, pgoff);
  if (page == nullptr) put_page(fault.system, fault.core(), frame); // EEXIST
  return page;
}

FilePage filemap_fault_5_10(const VmFault& fault, File& file, std::uint64_t pgoff) {
  PageCache& cache = fault.system.page_cache;
  MmapLockForIo mmap_lock(fault);
  CachedPage* page = file.find_get_page(fault.core(), pgoff);
  if (page == nullptr) fault.system.counters.add(Counter::pgmajfault);
  for (;; page = nullptr) {
    while (page == nullptr) { // pagecache_get_page(FGP_CREAT | FGP_FOR_MMAP)
      page = file.find_get_page(fault.core(), pgoff);
      if (page != nullptr) break;
      bool no_memory = false;
      page = add_page(fault, file, pgoff, GFP_HIGHUSER_MOVABLE, no_memory);
      if (no_memory) return mmap_lock.give_up(FaultKind::out_of_memory);
      if (page != nullptr) cache.unlock_page(fault.core(), *page);
    }
    if (!cache.trylock_page(fault.core(), *page)) { // lock_page_maybe_drop_mmap()
      mmap_lock.maybe_drop();
      cache.lock_page(fault.task, *page);
    }
    const bool truncated = page->mapping != &file;
    if (truncated || (cache.flags(*page) & PG_uptodate) != 0) {
      if (!truncated && !mmap_lock.dropped()) return {page, {}};
      cache.unlock_page(fault.core(), *page);
      file.put_page(fault.core(), *page);
      if (truncated) continue;
      return mmap_lock.give_up(FaultKind::retry);
    }
    mmap_lock.maybe_drop(); // page_not_uptodate
    file.read_page(fault.core(), *page);
    cache.wait_on_page_locked(fault.task, *page);
    file.put_page(fault.core(), *page);
    if (mmap_lock.dropped()) return mmap_lock.give_up(FaultKind::retry);
  }
}

FilePage filemap_fault_2_6_24(const VmFault& fault, File& file, std::uint64_t pgoff) {
  PageCache& cache = fault.system.page_cache;
  for (bool major = false;;) {
    CachedPage* page = file.find_get_page(fault.core(), pgoff); // find_lock_page()
    if (page != nullptr) {
      cache.lock_page(fault.task, *page);
      if (page->mapping == &file && (cache.flags(*page) & PG_uptodate) != 0) return {page, {}};
      cache.unlock_page(fault.core(), *page);
      file.put_page(fault.core(), *page);
      continue;
    }
    if (!std::exchange(major, true)) fault.system.counters.add(Counter::pgmajfault);
    bool no_memory = false;
    page = add_page(fault, file, pgoff, GFP_HIGHUSER_MOVABLE | gfp_cold, no_memory); // page_cache_read()
    if (no_memory) return {nullptr, FaultKind::out_of_memory};
    if (page == nullptr) continue;
    file.read_page(fault.core(), *page);
    file.put_page(fault.core(), *page);
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
  if (there == nullptr || (cache.flags(*there) & PG_locked) != 0) return false;
  CachedPage* page = file.next_page(core, pgoff);
  if (page == nullptr) return false;
  TablePage& table = fault.slot.table;
  const std::size_t index = address.value() & 511;
  bool mapped = false;
  if ((cache.flags(*page) & PG_uptodate) != 0 && cache.trylock_page(core, *page)) {
    if (page->mapping == &file && table.words[index].none()) { // alloc_set_pte()
      page_add_file_rmap(fault.system, core, {fault.mm, fault.vma, address, table, index}, *page);
      core.charge(fault.work().pte_set, Account::work);
      core.settle();
      const std::uint64_t prot = pte_young; // vm_page_prot: a write to it must be noticed
      PageTable::set(table, index, table.words[index].mapped(page->frame, prot));
      mapped = true;
    }
    cache.unlock_page(core, *page);
  }
  if (mapped)
    file.hand_over(*page); // the reference is the mapping's
  else
    file.put_page(core, *page);
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
