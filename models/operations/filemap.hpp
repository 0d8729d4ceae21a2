// A page of a file for a fault: filemap_fault() of mm/filemap.c, 2.6.24 and 5.10.
//
//   const FilePage found = filemap_fault(fault);
//   if (found.page == nullptr) return found.error;
//   ... map it; it is locked, and we have a reference ...
//
// 5.10: look-up; a miss is a major fault, and makes a page (pagecache_get_page() with FGP_CREAT) and unlocks
// it; then its lock; who finds it not read yet reads it and waits. Before each wait mmap_lock goes, on the
// first attempt (lock_page_maybe_drop_mmap(), maybe_unlock_mmap_for_io()), and the fault starts again.
// 2.6.24: find_lock_page(); page_cache_read() of a new page, which waits for nothing, and again, waiting for
// the page's lock.
//
// Left out: read-ahead and read-around (file.hpp), errors of devices.
#pragma once

#include "models/operations/vm_fault.hpp"

namespace mmsim {

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

/// page_add_file_rmap() with the counts of the mm; the reference is the mapping's now. `reserve`: ReverseMap::reserve().
void page_add_file_rmap(System& system, Core& core, const Mapping& mapping, CachedPage& page,
                        RmapReserve* reserve = nullptr);

} // namespace mmsim
