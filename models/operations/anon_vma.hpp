// When an area gets its anon_vma, and when it goes.
//
// Models anon_vma_prepare(), anon_vma_link() and anon_vma_unlink() of mm/rmap.c, 2.6.24 (what that leaves
// out: models/address_space/anon_vma.hpp).
#pragma once

#include "models/system.hpp"

namespace mmsim {

/// The first anonymous page of `vma` is about to come: allocates an anon_vma without a lock and sets it under
/// page_table_lock, unless another thread was faster. mmap_lock is held. May sleep. False if there is no
/// memory.
[[nodiscard]] bool anon_vma_prepare(System& system, Core& core, MmStruct& mm, Vma& vma);

/// Before the page tables of `vma` go (free_pgtables()): it leaves its family; the last one frees it.
void anon_vma_unlink(System& system, Core& core, const Vma& vma);

} // namespace mmsim
