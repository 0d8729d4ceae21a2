// Finding and changing areas, with what it costs: the only way in which operations do it.
//
//   Vma* vma = find_vma(task, mm, page);                      // mmap_lock is held, from here on for writing
//   Vma* area = vm_area_alloc(system, core, mm, {.begin = ..., .end = ...});   // or of another area: vm_area_dup()
//   if (area == nullptr) return Errno::enomem;
//   vma_link(system, task, mm, *area);
//   vma_adjust(system, task, mm, *area, begin, end);
//   vma_unlink(system, task, mm, *area);                          // out of the tree; the reverse map still finds it
//   ... zap, unlink_from_reverse_map() ...
//   vm_area_free(system, core, *area);
//
// Models vm_area_alloc() and vm_area_free() of kernel/fork.c, find_vma(), vma_link(), __vma_adjust(),
// detach_vmas_to_be_unmapped() and get_unmapped_area() of mm/mmap.c, 2.6.24, 5.10 and 6.1 (there
// vma_mas_store(), vma_mas_remove(), mas_preallocate()); with kernel.vma_lock as in 6.4 (vma_lock.hpp):
// vm_area_alloc() makes a lock too, who changes an area locks it for writing, vm_area_free() waits for RCU.
// Which tree, which cache in front of it and which search is the configuration's:
// models/address_space/vma_trees.hpp.
//
// Left out: the guard gap below a stack in a maple tree; that a change for which there is no memory for nodes
// fails (mas_preallocate()): here they have none.
#pragma once

#include "models/system.hpp"

#include <optional>

namespace mmsim {

/// mmap_min_addr: 64 KiB on arm64.
inline constexpr PageNumber mmap_min_addr{16};

/// The first area that ends after `page`, or null.
[[nodiscard]] Vma* find_vma(Task& task, MmStruct& mm, PageNumber page);

/// Memory for an area of `mm` like `vma` that is in no tree and in no reverse map, and its lock. Null: no memory. May
/// sleep.
[[nodiscard]] Vma* vm_area_alloc(System& system, Core& core, MmStruct& mm, const Vma& vma);
/// What vma_unlink() has taken out, or vma_link() has never seen; it has left the reverse map.
void vm_area_free(System& system, Core& core, Vma& gone);

/// `made` becomes an area of `mm`. It can be seen when this returns.
void vma_link(System& system, Task& task, MmStruct& mm, Vma& made);
/// An area becomes [begin, end), under the locks of the reverse map, which finds it by its boundaries: i_mmap's, then
/// that of its anon_vma, as __vma_adjust() takes them. Its first page keeps its linear_page_index(). May sleep.
void vma_adjust(System& system, Task& task, MmStruct& mm, Vma& vma, PageNumber begin, PageNumber end);
/// __vma_adjust() of two neighbours of one file and one anon_vma, if any, whose boundary goes to `boundary`: under the
/// locks of both, so that no walk misses a page that changes hands. May sleep.
void vma_shift_boundary(System& system, Task& task, MmStruct& mm, Vma& lower, Vma& upper,
                        PageNumber boundary);
/// An area leaves the tree. What is in it goes after that.
void vma_unlink(System& system, Task& task, MmStruct& mm, Vma& vma);
/// The end of exit_mmap(): the areas go, and the tree with them. Nobody can find them any more.
void vma_tree_destroy(System& system, Core& core, MmStruct& mm);

/// Where arch_get_unmapped_area() looks first: up to mmap_base, or with "bottom_up" from TASK_UNMAPPED_BASE on.
struct MmapRoom {
  PageNumber low, high;
};
[[nodiscard]] MmapRoom mmap_room(PageNumber task_size, bool top_down);

/// arch_get_unmapped_area(), or with kernel.mmap_layout = "top_down" arch_get_unmapped_area_topdown(),
/// without a hint: where `pages` pages have room at a multiple of `alignment`; none: ENOMEM.
[[nodiscard]] std::optional<PageNumber> arch_get_unmapped_area(System& system, Core& core, MmStruct& mm,
                                                               std::uint64_t pages, std::uint64_t alignment);

} // namespace mmsim
