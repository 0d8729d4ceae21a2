// Who may go on with an anonymous page at a write: do_wp_page() of 5.19 to 6.4 (kernel.cow_reuse = "exclusive").
//
// PageAnonExclusive() (PG_anon_exclusive) says that nobody else has the page, and nothing more is asked then. A page gets
// the bit when it is new (page_add_new_anon_rmap()), when it comes from swap by an entry that had it
// (pte_swp_exclusive()), and when it is taken over here. It loses it to fork (page_try_dup_anon_rmap(), which copies an
// exclusive page that may be pinned at once and lets it keep the bit) and to try_to_unmap() (page_try_share_anon_rmap(),
// which leaves it in the swap entry, and fails if the page may be pinned). mremap moves pages and swap entries with it.
//
// A page that fork has shared may be the last owner's again, which its references tell. A page on its way to the LRU has
// one more, and one in the swap cache another: lru_add_drain() takes the first back if this core's pagevec has it,
// try_to_free_swap() the second, with the page locked. Who finds more than both copies at once. As in fault_wp.cpp only
// a page of the swap cache is really locked: what 5.10 and 6.1 pay for the lock of any other one is part of
// machine.work.fault_handle, which was measured on a page that is taken over.
//
// Left out: KSM, huge pages, userfaultfd, soft-dirty; FAULT_FLAG_UNSHARE, by which a pin for reading first gets a page of
// its own (gup_must_unshare()), so that such a pin of a shared page may miss what is written later.
#pragma once

#include "models/operations/vm_fault.hpp"

namespace mmsim {

/// With the table's lock, of the anonymous page that the entry maps: true if it is exclusive, which it may just have
/// become.
[[nodiscard]] bool reuse_exclusive(const VmFault& fault, FrameNumber number);

} // namespace mmsim
