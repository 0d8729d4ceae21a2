// munmap.
//
//   munmap(system, task, first, pages);          // any range: areas are cut at its ends
//
// Models __do_munmap() and its callers in mm/mmap.c, 5.10.35 (do_munmap() in 2.6.24): the range is checked;
// find_vma(); areas that reach over an end are cut there (split_vma()); detach_vmas_to_be_unmapped() takes
// all areas of the range out of the tree; mmap_lock is downgraded if the caller lets it (since 4.20:
// kernel.munmap_downgrade) and the area above does not grow down, which it could do under the lock for
// reading (5.10.35's condition); unmap_region() drains the pagevec, clears the entries, unhooks tables up to
// the neighbouring areas, flushes and frees (gather.hpp); remove_vma_list() takes back what was promised and
// frees the vm_area_structs. A range without areas is unmapped with success. 2.6.24 takes promises back a
// little earlier, between clearing entries and unhooking tables; that is left out, like mlock(), areas that
// grow up, hugetlb and userfaultfd.
#pragma once

#include "models/operations/errno.hpp"
#include "models/system.hpp"

namespace mmsim {

/// Unmaps [first, first + pages). EINVAL: nothing, or past the address space; ENOMEM: no memory to cut an
/// area, or too many areas. Throws TaskKilled.
Errno munmap(System& system, Task& task, PageNumber first, std::uint64_t pages);

/// Whether mmap_lock is held for reading since do_munmap() has returned.
struct MunmapResult {
  Errno error = Errno::ok;
  bool downgraded = false;
};

/// __do_munmap(), with mmap_lock held for writing; `downgrade`: it may go on as a reader.
MunmapResult do_munmap(System& system, Task& task, PageNumber first, std::uint64_t pages, bool downgrade);

/// Drops mmap_lock as do_munmap() has left it.
void unlock_after(Task& task, const MunmapResult& unmapped);

} // namespace mmsim
