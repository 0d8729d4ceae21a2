// Faults on pages of files that are not mapped: do_fault() of mm/memory.c, 5.10; __do_fault() of 2.6.24.
//
// - do_read_fault(): 5.10 first maps what is in memory around the page (do_fault_around()), and is done if
//   that was the one; else the page (filemap_fault()) is mapped for reading. The entries of a shared writable
//   area are read-only too, so that the first write is noticed (vma_wants_writenotify()).
// - do_cow_fault(), a write to a private area: the anon_vma, a page, the file's page, a copy, under the
//   table's lock the copy's entry. (2.6.24 allocates the copy after it has the file's page.)
// - do_shared_fault(), a write to a shared one: the page is mapped writable and dirty, then set_page_dirty()
//   (in 2.6.24 after unlock_page()).
// The file's page is locked from the look-up until it is mapped or copied. Who makes a page dirty may be held
// up (balance_dirty_pages_ratelimited()), for which 5.10 drops mmap_lock on the first attempt: then the fault
// starts again and finds nothing to do. Left out: page_mkwrite().
#include "models/operations/filemap.hpp"
#include "models/operations/gather.hpp"

namespace mmsim {

namespace {

/// The end of finish_fault() and of alloc_set_pte(), for a page of the file: file_map if it is mapped now, spurious if
/// another thread was faster.
FaultKind map_file_page(const VmFault& fault, CachedPage& page, std::uint64_t flags) {
  ReverseMap& rmap = *fault.system.rmap;
  RmapReserve reserve; // pte_chain_alloc() of 2.6.0's do_no_page(), which the fault fails without
  if (!rmap.reserve(fault.core(), reserve, GFP_KERNEL)) return FaultKind::out_of_memory;
  const bool mapped = fault.map_if_none([&] {
    page_add_file_rmap(fault.system, fault.core(), fault.mapping(), page, &reserve);
    fault.core().settle();
    fault.map(page.frame, pte_young | flags);
  });
  rmap.unreserve(fault.core(), reserve);
  return mapped ? FaultKind::file_map : FaultKind::spurious;
}

/// The page was not mapped.
FaultKind give_back(const VmFault& fault, CachedPage& page, FaultKind outcome) {
  fault.system.page_cache.unlock_page(fault.core(), page);
  fault.vma.file->put_page(fault.core(), page);
  return outcome;
}

FaultKind do_read_fault(const VmFault& fault) {
  if (do_fault_around(fault)) return FaultKind::file_map;
  const FilePage found = filemap_fault(fault);
  if (found.page == nullptr) return found.error;
  const FaultKind outcome = map_file_page(fault, *found.page, 0);
  if (outcome != FaultKind::file_map) return give_back(fault, *found.page, outcome);
  // The reference is the mapping's. While the page is locked nobody takes it away.
  fault.vma.file->hand_over(*found.page);
  fault.system.page_cache.unlock_page(fault.core(), *found.page);
  return FaultKind::file_map;
}

/// Under the table's lock; the copy is ours until it is mapped.
bool map_copy(const VmFault& fault, FrameNumber copy) {
  return fault.map_if_none([&] {
    ++fault.mm.rss_anon;
    fault.system.rmap->page_add_new_anon(fault.core(), copy, fault.mapping());
    fault.core().settle();
    fault.map(copy, pte_young | pte_writable | pte_dirty);
  });
}

FaultKind do_cow_fault(const VmFault& fault) {
  System& system = fault.system;
  if (!fault.anon_vma_prepare()) return FaultKind::out_of_memory;
  const FrameNumber copy = system.pages.alloc_page(fault.core(), GFP_HIGHUSER_MOVABLE);
  if (copy == no_frame) return FaultKind::out_of_memory;
  const FilePage found = filemap_fault(fault);
  if (found.page == nullptr) {
    put_page(system, fault.core(), copy);
    return found.error;
  }
  system.contents.copy_page(fault.core(), found.page->frame, copy);
  const bool mapped = map_copy(fault, copy);
  system.page_cache.unlock_page(fault.core(), *found.page);
  fault.vma.file->put_page(fault.core(), *found.page);
  if (mapped) return FaultKind::file_cow;
  put_page(system, fault.core(), copy);
  return FaultKind::spurious;
}

FaultKind do_shared_fault(const VmFault& fault) {
  const FilePage found = filemap_fault(fault);
  if (found.page == nullptr) return found.error;
  const FaultKind outcome = map_file_page(fault, *found.page, pte_writable | pte_dirty);
  if (outcome != FaultKind::file_map) return give_back(fault, *found.page, outcome);
  fault.vma.file->hand_over(*found.page);
  return fault_dirty_shared_page(fault, *found.page) ? FaultKind::retry : FaultKind::file_map;
}

} // namespace

bool fault_dirty_shared_page(const VmFault& fault, CachedPage& page) {
  const bool dirtied = page.mapping != nullptr && page.mapping->set_page_dirty(fault.core(), page);
  fault.system.page_cache.unlock_page(fault.core(), page);
  if (!dirtied) return false;
  MmapLockForIo mmap_lock(fault);
  mmap_lock.maybe_drop();
  fault.system.writeback.balance_dirty_pages_ratelimited(fault.task);
  mmap_lock.put_file();
  return mmap_lock.dropped();
}

FaultKind do_fault(const VmFault& fault) {
  if (!fault.write()) return do_read_fault(fault);
  return fault.vma.is_private() ? do_cow_fault(fault) : do_shared_fault(fault);
}

} // namespace mmsim
