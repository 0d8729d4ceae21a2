// mmap and munmap of anonymous private memory.
//
// Models do_mmap() and __do_munmap() of mm/mmap.c, 5.10: munmap takes mmap_lock for writing, takes the areas
// out, and since 4.20 goes on as a reader while it unmaps (kernel.munmap_downgrade; 2.6.24 keeps it for
// writing); unmap_region() clears the entries, unhooks tables up to the neighbouring areas, flushes and frees
// (gather.hpp). vm_area_structs are allocated before they are linked, and freed after everything that was in
// them (remove_vma()). Areas are private and writable, so their pages are promised memory
// (accountable_mapping(), VM_ACCOUNT): mmap asks before it makes the area (mmap_region()), munmap takes the
// promise back when it frees the area (remove_vma_list(); 2.6.24 does so a little earlier, between clearing
// entries and unhooking tables). Left out: files, merging of neighbours, partial unmapping of an area
// (splitting).
#pragma once

#include "models/system.hpp"

namespace mmsim {

/// MAP_FAILED.
inline constexpr PageNumber map_failed{~std::uint64_t{0}};

/// Maps `pages` pages at the lowest free address that is a multiple of `alignment` pages. Returns the first
/// one, or map_failed (ENOMEM) if the address space has no room for them or they may not be promised. Throws
/// TaskKilled.
[[nodiscard]] PageNumber mmap(System& system, Task& task, std::uint64_t pages, std::uint64_t alignment = 1);

/// Unmaps the area that mmap() made at `first`. Throws std::logic_error if the range is not exactly an area;
/// TaskKilled.
void munmap(System& system, Task& task, PageNumber first, std::uint64_t pages);

} // namespace mmsim
