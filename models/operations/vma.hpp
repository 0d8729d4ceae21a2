// Finding and changing areas, with what it costs: the only way in which operations do it.
//
//   Vma* vma = find_vma(task, mm, page);                      // mmap_lock is held
//   if (!vma_prealloc(core, mm)) return Errno::ENOMEM;        // mmap_lock is held for writing from here on
//   Vma& made = vma_link(system, core, mm, {.begin = ..., });
//   vma_adjust(system, core, mm, made, begin, end);
//   vma_unlink(system, core, mm, made);                       // out of the tree
//
// Models find_vma(), vma_link(), __vma_adjust(), detach_vmas_to_be_unmapped() and get_unmapped_area() of mm/mmap.c,
// 2.6.24, 5.10 and 6.1 (there vma_mas_store(), vma_mas_remove(), mas_preallocate()). Which tree, which cache in front
// of it and which search is the configuration's: models/address_space/vma_trees.hpp.
//
// Left out: the list of areas that a file is mapped by (i_mmap), the guard gap below a stack in a maple tree.
#pragma once

#include "models/system.hpp"

#include <optional>

namespace mmsim {

/// The first area that ends after `page`, or null.
[[nodiscard]] Vma* find_vma(Task& task, MmStruct& mm, PageNumber page);

/// Gets what one change of the tree may need: mas_preallocate(). False if there is no memory. May sleep.
[[nodiscard]] bool vma_prealloc(Core& core, MmStruct& mm);
/// `vma` becomes an area of `mm`. It can be seen when this returns.
Vma& vma_link(System& system, Core& core, MmStruct& mm, const Vma& vma);
/// An area becomes [begin, end).
void vma_adjust(System& system, Core& core, MmStruct& mm, Vma& vma, PageNumber begin, PageNumber end);
/// An area leaves the tree. What is in it goes after that.
void vma_unlink(System& system, Core& core, MmStruct& mm, Vma& vma);
/// The end of exit_mmap(): the tree goes with all areas.
void vma_tree_destroy(System& system, Core& core, MmStruct& mm);

/// get_unmapped_area() without a hint: where `pages` pages have room at a multiple of `alignment`; none: ENOMEM.
[[nodiscard]] std::optional<PageNumber> get_unmapped_area(System& system, Core& core, MmStruct& mm,
                                                          std::uint64_t pages, std::uint64_t alignment = 1);

} // namespace mmsim
