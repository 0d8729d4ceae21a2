// A page of a file for a fault: filemap_fault() of mm/filemap.c, 2.6.24 and 5.10.
//
//   const FilePage found = filemap_fault(fault);
//   if (found.page == nullptr) return found.error;
//   ... map it; it is locked, and we have a reference ...
//
// 5.10: look-up; a miss is a major fault, and reads around the page or ahead of it (do_sync_mmap_readahead():
// by the area's hint, and unless this file's mappings miss more than they hit); a hit on a page that is
// marked reads the next window (do_async_mmap_readahead()). What is still missing then is made
// (pagecache_get_page() with FGP_CREAT); then the page's lock; who finds it not read yet reads it and waits.
// Before each wait, and before read-ahead, mmap_lock goes, on the first attempt (lock_page_maybe_drop_mmap(),
// maybe_unlock_mmap_for_io()), and the fault starts again. 2.6.24: find_lock_page(); read-ahead likewise;
// page_cache_read() of a new page, which waits for nothing, and again, waiting for the page's lock.
//
// A page that the device has failed is read once more, by the task that needs it; then it is SIGBUS. (2.6.24
// went round for ever if the page was still not there: fixed in 2.6.26, so not modelled.)
#pragma once

#include "models/operations/vm_fault.hpp"

namespace mmsim {

/// mmap_lock while a fault waits for a file: maybe_unlock_mmap_for_io(). The file stays (get_file()); the
/// area may be gone.
class MmapLockForIo {
 public:
  explicit MmapLockForIo(const VmFault& fault) : fault_(fault), file_(*fault.vma.file) {}
  /// On the first attempt.
  void maybe_drop();
  bool dropped() const { return dropped_; }
  /// fput() of what maybe_drop() took: the fault ends, and starts again.
  void put_file();

 private:
  const VmFault& fault_;
  File& file_;
  bool dropped_ = false;
};

struct FilePage {
  CachedPage* page; ///< locked, with a reference; null: see error
  FaultKind error;  ///< out_of_memory, bus_error, retry
};

/// May sleep.
[[nodiscard]] FilePage filemap_fault(const VmFault& fault);

/// filemap_map_pages() of 5.10: maps those pages around the fault, kernel.fault_around at most, that are in
/// memory, read and not locked, under one acquisition of the table's lock. True if the fault's own entry is
/// set now.
bool do_fault_around(const VmFault& fault);

/// page_add_file_rmap() with the counts of the mm; the reference is the mapping's now. `reserve`:
/// ReverseMap::reserve().
void page_add_file_rmap(System& system, Core& core, const Mapping& mapping, CachedPage& page,
                        RmapReserve* reserve = nullptr);

} // namespace mmsim
