// Entries of page tables go to other addresses: the heart of mremap (mremap.hpp says what is modelled).
#pragma once

#include "models/system.hpp"

namespace mmsim {

/// move_page_tables(): the entries of [from, from + pages) go to `to`, where nothing is mapped yet; old
/// translations are flushed. Returns how many pages it got through: less if there is no memory for a table.
/// `need_rmap_locks`: a walk of the reverse map may come by `to` before it comes by `from`, which is in `vma`. mmap_lock is
/// held for writing; may sleep.
std::uint64_t move_page_tables(System& system, Task& task, Vma& vma, PageNumber from, PageNumber to,
                               std::uint64_t pages, bool need_rmap_locks);

} // namespace mmsim
