// Pinning pages of user memory: pin_user_pages_fast() and unpin_user_pages().
//
//   std::vector<FrameNumber> pages;                                            // used again and again
//   pin_user_pages_fast(system, task, first, 16, AccessKind::write, pages);    // for a device to write to
//   ...
//   unpin_user_pages(system, task.core(), pages);
//
// Models mm/gup.c of 5.10.35, called from a system call of its own:
// - internal_get_user_pages_fast() notes has_pinned, a store to a line that all threads share at each
//   pinning;
// - lockless_pages_from_mm() reads write_protect_seq and gives up if it is odd; with irqs off
//   gup_pgd_range() walks the tables without any lock, looks up each entry, gives up at the first one that
//   does not permit the access, takes a reference, and looks whether the entry is still the same, else puts
//   the reference back; with irqs on again it gives everything back if the count has changed;
// - what is left goes through get_user_pages_unlocked() -> __get_user_pages(): mmap_lock for reading, and
//   page by page find_extend_vma(), follow_page_pte() under the table's lock, or faultin_page() and again.
// A pin adds GUP_PIN_COUNTING_BIAS (1024) to the page's reference count, as in the kernel, where the count is
// 32 bits wide too: two million pins of one page. fork's half of the bargain is in process.hpp.
//
// Lock-free walkers look at several entries in one step, up to run.quantum; entries are looked at again a
// step later, so that a change within the step counts as seen.
//
// kernel.fast_gup = false is 2.6.24, where everything goes the slow way (get_user_pages() under mmap_sem);
// that its references were plain ones makes no difference to its do_wp_page(), which counts mappings.
//
// kernel.write_protect_seq = false leaves out has_pinned and the count together.
//
// Left out: might_lock_read(mmap_lock) on the fast path, by which lockdep would hear of the slow one each
// time; contention on struct page's own cache line, FOLL_LONGTERM, huge pages, faults that drop mmap_lock
// (VM_FAULT_RETRY), cond_resched(), table pages that are kept until all walkers have passed (RCU): a walker
// whose table has been freed sees that its entries have changed.
#pragma once

#include "models/operations/user.hpp"
#include "models/system.hpp"

#include <vector>

namespace mmsim {

/// What one pin adds to a frame's refcount.
inline constexpr std::int32_t gup_pin_counting_bias = 1024;

/// page_maybe_dma_pinned(): a page with so many references is taken for pinned.
inline bool page_maybe_dma_pinned(const Frame& frame) { return frame.refcount >= gup_pin_counting_bias; }

/// Which way the pages of one pinning came, for scenarios that report them apart.
enum class PinPath : std::uint8_t {
  fast,
  slow,
  failed ///< -ENOMEM, or -EFAULT outside all areas: no page is pinned
};

/// Pins the `count` pages from `first` on for `kind`; `pages` becomes their frames, in order. Says `slow` if
/// only one of them needed mmap_lock. Throws TaskKilled after giving back what was pinned. May sleep.
PinPath pin_user_pages_fast(System& system, Task& task, PageNumber first, std::uint64_t count,
                            AccessKind kind, std::vector<FrameNumber>& pages);

/// Gives the pins back and empties `pages`; a page that nobody has any more is freed.
void unpin_user_pages(System& system, Core& core, std::vector<FrameNumber>& pages);

} // namespace mmsim
