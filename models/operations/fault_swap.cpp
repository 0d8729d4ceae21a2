// Faults on pages that were swapped out: do_swap_page() of mm/memory.c, 2.6.24, 5.10.35 and 6.1.
//
// - lookup_swap_cache(); else swapin_readahead() starts the read (2.6.24 contends for the swap token first): a major
//   fault (pgmajfault).
// - The page lock, for which 2.6.24 sleeps with mmap_sem held. 5.10 drops mmap_lock, waits until the page is unlocked,
//   and starts again once (lock_page_or_retry(), kernel.fault_retry). With only the area locked (kernel.vma_lock) 6.4
//   does not even look: the fault starts again under mmap_lock.
// - With the page locked: is it still in the swap cache for this slot (5.10)? Then under the table's lock: is the entry
//   still the same, and was the page read? A read that failed is VM_FAULT_SIGBUS.
// - The entry is set. For a write the page is taken over if nobody else has it or its slot: writable and dirty at once
//   (5.10: reuse_swap_page(), which takes it out of the swap cache; 2.6.24: can_share_swap_page()). Then swap_free() of
//   the entry's count; with swap more than half full the slot goes altogether (try_to_free_swap()).
// - 6.1 (kernel.cow_reuse = "exclusive", wp_exclusive.hpp) asks the entry: pte_swp_exclusive(), or else whether the fault
//   has the only reference, once the pagevec has been drained and the slot given up where a write has hope of that
//   (should_try_to_free_swap()). A page that is exclusive so is PageAnonExclusive() again, also if it was read, keeps its
//   slot if it was, and the next write takes it over at once. swap_free() comes before all that.
// - A write that could not take the page over goes on in do_wp_page(), still under the table's lock.
#include "models/operations/gather.hpp"
#include "models/operations/vm_fault.hpp"

namespace mmsim {

namespace {

/// pte_same().
bool same(Pte a, Pte b) { return a.word() == b.word(); }

/// Where the fault waits: true with the page locked, false if mmap_lock has been dropped instead.
bool lock_page_or_retry(const VmFault& fault, FrameNumber frame) {
  PageWaitTable& waits = fault.system.page_cache.waits;
  if (waits.trylock_page(fault.core(), frame)) return true;
  if (!fault.may_retry) {
    waits.lock_page(fault.task, frame);
    return true;
  }
  fault.mm.mmap_lock.up_read(fault.task);
  waits.wait_on_page_locked(fault.task, frame);
  return false;
}

/// No page could be had: no memory, unless another thread has dealt with the entry.
FaultKind without_page(const VmFault& fault, Pte orig) {
  fault.lock().lock(fault.core());
  fault.core().settle();
  const bool unchanged = same(fault.slot.entry(), orig);
  fault.lock().unlock(fault.core());
  return unchanged ? FaultKind::out_of_memory : FaultKind::spurious;
}

/// With both locks, and the page is the right one: maps it. True if a write still has to be dealt with.
bool map_swapped_in(const VmFault& fault, CachedPage& page, SwapEntry entry, RmapReserve& reserve) {
  System& system = fault.system;
  Core& core = fault.core();
  const FrameNumber frame = page.frame;
  ++fault.mm.rss_anon;
  --fault.mm.swapents;
  const bool exclusive = fault.write() && system.swap.reuse_swap_page(core, frame);
  std::uint64_t flags = pte_young; // vm_page_prot
  if (exclusive) flags |= pte_dirty | (fault.vma.writable() ? std::uint64_t{pte_writable} : 0);
  system.rmap->page_add_anon(core, frame, fault.mapping(), exclusive ? RmapExclusive::yes : RmapExclusive::no,
                             &reserve);
  core.settle();
  fault.map(frame, flags);
  system.swap.hand_over(page); // the reference is the mapping's
  system.swap.swap_free(core, entry);
  if (system.swap.vm_swap_full()) system.swap.try_to_free_swap(core, frame);
  system.page_cache.waits.unlock_page(core, frame);
  return fault.write() && !exclusive;
}

/// should_try_to_free_swap(): the fault has one of the references of a page in the swap cache.
bool should_try_to_free_swap(const VmFault& fault, const Frame& frame) {
  if ((frame.flags & PG_swapcache) == 0) return false;
  return fault.system.swap.vm_swap_full() || fault.vma.has(VM_LOCKED) ||
         (fault.write() && frame.refcount == 2);
}

/// map_swapped_in() since 5.19: `orig` tells whether the page is still the process's own.
bool map_maybe_exclusive(const VmFault& fault, Pte orig, CachedPage& page, RmapReserve& reserve) {
  System& system = fault.system;
  Core& core = fault.core();
  const FrameNumber number = page.frame;
  const Frame& frame = system.pages[number];
  system.swap.swap_free(core, orig.swap_entry());
  core.settle();
  if (should_try_to_free_swap(fault, frame)) system.swap.try_to_free_swap(core, number);
  core.settle();
  ++fault.mm.rss_anon;
  --fault.mm.swapents;
  const bool exclusive = orig.swp_exclusive() || frame.refcount == 1;
  std::uint64_t flags = pte_young; // vm_page_prot
  if (exclusive && fault.write())
    flags |= pte_dirty | (fault.vma.writable() ? std::uint64_t{pte_writable} : 0);
  system.rmap->page_add_anon(core, number, fault.mapping(),
                             exclusive ? RmapExclusive::yes : RmapExclusive::no, &reserve);
  core.settle();
  fault.map(number, flags);
  system.swap.hand_over(page); // the reference is the mapping's
  system.page_cache.waits.unlock_page(core, number);
  return fault.write() && !exclusive;
}

/// The rest of do_swap_page(): `page` is in memory or on its way, with a reference.
FaultKind with_page(const VmFault& fault, Pte orig, CachedPage& page, RmapReserve& reserve) {
  System& system = fault.system;
  const SwapEntry entry = orig.swap_entry();
  const FrameNumber frame = page.frame;
  if (system.swap.parameters().fault_marks_accessed) system.lru->mark_page_accessed(fault.core(), frame);
  if (!lock_page_or_retry(fault, frame)) {
    system.swap.put_page(fault.core(), page);
    return FaultKind::retry;
  }
  FaultKind outcome = FaultKind::spurious;
  const Frame& of = system.pages[frame];
  if ((of.flags & PG_swapcache) != 0 && page.swap == entry) {
    const bool by_entry = system.parameters.anon_exclusive();
    if (by_entry && fault.write() && (of.flags & PG_lru) == 0) system.lru->lru_add_drain(fault.core());
    fault.lock().lock(fault.core());
    fault.core().settle();
    if (same(fault.slot.entry(), orig)) {
      if ((of.flags & PG_uptodate) != 0) {
        const bool left = by_entry ? map_maybe_exclusive(fault, orig, page, reserve)
                                   : map_swapped_in(fault, page, entry, reserve);
        if (left) return do_wp_page(fault);
        fault.lock().unlock(fault.core());
        return FaultKind::swap_in;
      }
      outcome = FaultKind::bus_error;
    }
    fault.lock().unlock(fault.core());
  }
  system.page_cache.waits.unlock_page(fault.core(), frame);
  system.swap.put_page(fault.core(), page);
  return outcome;
}

} // namespace

FaultKind do_swap_page(const VmFault& fault) {
  System& system = fault.system;
  Swap& swap = system.swap;
  const Pte orig = fault.slot.entry();
  if (fault.vma_locked) return FaultKind::retry;
  const SwapEntry entry = orig.swap_entry();
  CachedPage* page = swap.lookup_swap_cache(fault.core(), entry, fault.vma, fault.page);
  if (page == nullptr) {
    swap.token().grab(fault.task); // contend for the token before reading
    page =
        swap.swapin_readahead({fault.task, fault.vma, fault.page, entry, fault.slot.table, fault.slot.index});
    if (page == nullptr) return without_page(fault, orig);
    system.counters.add(Counter::pgmajfault);
  }
  RmapReserve reserve;
  if (!system.rmap->reserve(fault.core(), reserve, GFP_KERNEL)) {
    swap.put_page(fault.core(), *page);
    return FaultKind::out_of_memory;
  }
  const FaultKind outcome = with_page(fault, orig, *page, reserve);
  system.rmap->unreserve(fault.core(), reserve);
  return outcome;
}

} // namespace mmsim
