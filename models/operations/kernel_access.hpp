// Kernel code uses a page of the kernel's own tables: vmalloc's, or kmap's.
#pragma once

#include "models/system.hpp"

namespace mmsim {

/// One access by `core` to `page` of init_mm, through its TLB, where entries of kernel pages are global. Throws Violation
/// where there is no page, or through an entry that the oracle condemns.
void access_kernel_page(System& system, Core& core, PageNumber page);

} // namespace mmsim
