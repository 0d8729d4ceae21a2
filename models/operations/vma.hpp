// Finding and changing areas, with what it costs: the only way in which operations do it.
//
//   Vma* vma = find_vma(task, mm, page);                      // mmap_lock is held, from here on for writing
//   Vma area{.begin = ..., };                                     // or Vma copy = old: vm_area_dup()
//   if (!vm_area_alloc(system, core, area)) return Errno::enomem;
//   Vma& made = vma_link(system, task, mm, area);
//   vma_adjust(system, task, mm, made, begin, end);
//   const Vma gone = made;
//   vma_unlink(system, task, mm, made);                           // out of the tree
//   ... zap ...
//   vm_area_free(system, core, gone);
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

/// Memory for an area, and its lock: of `vma` the object and the lock are new. False: no memory. May sleep.
[[nodiscard]] bool vm_area_alloc(System& system, Core& core, Vma& vma);
/// What vma_unlink() has taken out, or vma_link() has never seen.
void vm_area_free(System& system, Core& core, const Vma& gone);

/// `vma` becomes an area of `mm`. It can be seen when this returns.
Vma& vma_link(System& system, Task& task, MmStruct& mm, const Vma& vma);
/// An area becomes [begin, end).
void vma_adjust(System& system, Task& task, MmStruct& mm, Vma& vma, PageNumber begin, PageNumber end);
/// An area leaves the tree. What is in it goes after that.
void vma_unlink(System& system, Task& task, MmStruct& mm, Vma& vma);
/// The end of exit_mmap(): the areas go, and the tree with them. Nobody can find them any more.
void vma_tree_destroy(System& system, Core& core, MmStruct& mm);

/// arch_get_unmapped_area(), or with kernel.mmap_layout = "top_down" arch_get_unmapped_area_topdown(),
/// without a hint: where `pages` pages have room at a multiple of `alignment`; none: ENOMEM.
[[nodiscard]] std::optional<PageNumber> arch_get_unmapped_area(System& system, Core& core, MmStruct& mm,
                                                               std::uint64_t pages, std::uint64_t alignment);

} // namespace mmsim
