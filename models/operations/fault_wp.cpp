// Writes to read-only entries: do_wp_page() of mm/memory.c, 2.6.24, 5.10.35 and 6.1.
//
// Under the table's lock:
// - an anonymous page is taken over if nobody else has it, which kernel.cow_reuse decides as the version
//   does: by its mappings (2.6.24: can_share_swap_page()) or its references (5.10), of which a pagevec's is
//   one, so that a page that is still on its way to the LRU is copied; or by a bit of its own (6.1:
//   wp_exclusive.hpp). The read-only entry is flushed (ptep_set_access_flags()). From 2.6.34 to 5.8 and since 5.19 it names the area's own anon_vma from then
//   on (kernel.wp_move_anon_rmap).
// - a page of a shared writable area becomes writable, and dirty: wp_page_shared().
// - else a reference (the zero page needs none), the lock is dropped, a page is allocated and copied
//   (cleared, for the zero page), and under the lock again: the entry is cleared, *flushed*, and only then
//   set to the copy (ptep_clear_flush_notify), which goes to the LRU before that, or after it in 2.6.24
//   (kernel.wp_late_lru); the old page loses its mapping and both references. 2.6.24 has page_remove_rmap()
//   before the flush, a race that was fixed in 2.6.26; here it comes after it.
// - 2.6.24 takes a page of the swap cache over if no swap entry names its slot; it keeps the slot. 5.10 copies it.
// The page lock that 2.6.24 and 5.10 try to take is taken here of pages of the swap cache, in 2.6.24; others are
// only looked at: who finds one locked copies it.
#include "models/operations/gather.hpp"
#include "models/operations/wp_exclusive.hpp"

namespace mmsim {

namespace {

// Whether nobody else has the page, which 2.6.24 asks with the page locked, if it gets the lock. Only a page that
// others may want locked is locked here: one in the swap cache, which counts as a reference.
bool may_reuse(const VmFault& fault, FrameNumber number) {
  System& system = fault.system;
  const Frame& frame = system.pages[number];
  const bool in_swap_cache = (frame.flags & PG_swapcache) != 0;
  if ((frame.flags & PG_locked) != 0) return false;
  if (system.parameters.cow_reuse == "mapcount") {
    if (frame.mapcount > 1) return false;
  } else { // 2.4.18 and 2.6.0 forgive the swap cache its reference, 5.10 does not
    const bool forgiven = in_swap_cache && system.swap.shares_slots();
    if (frame.refcount != (forgiven ? 2 : 1)) return false;
  }
  if (!in_swap_cache) return true;
  if (!system.page_cache.waits.trylock_page(fault.core(), number)) return false;
  const bool alone = system.swap.reuse_swap_page(fault.core(), number);
  system.page_cache.waits.unlock_page(fault.core(), number);
  return alone;
}

// do_wp_page() of an anonymous page to "reuse": true if it may be written to from now on.
bool take_over(const VmFault& fault, FrameNumber number) {
  if (fault.system.parameters.anon_exclusive()) return reuse_exclusive(fault, number);
  if (!may_reuse(fault, number)) return false;
  if (fault.system.parameters.wp_move_anon_rmap)
    fault.system.rmap->page_move_anon(fault.core(), number, fault.vma);
  return true;
}

FaultKind wp_page_reuse(const VmFault& fault) {
  set_access_flags(fault, pte_writable | pte_young | pte_dirty, true);
  fault.lock().unlock(fault.core());
  fault.system.counters.add(Counter::pgreuse);
  return FaultKind::cow_reuse;
}

FaultKind wp_page_shared(const VmFault& fault, Frame& frame) {
  PageCache& cache = fault.system.page_cache;
  File& file = *fault.vma.file;
  CachedPage* page = file.page_at(fault.pgoff());
  fault.core().rmw(page->line); // get_page()
  ++frame.refcount;
  ++page->holders;
  const FaultKind outcome = wp_page_reuse(fault);
  cache.lock_page(fault.task, *page);
  const bool dropped = fault_dirty_shared_page(fault, *page);
  file.put_page(fault.core(), *page);
  return dropped ? FaultKind::retry : outcome;
}

// The end of do_wp_page() in either version: the reference that kept the old page, and the table's lock.
void put_old_and_unlock(const VmFault& fault, Pte old) {
  Core& core = fault.core();
  const bool late = fault.system.parameters.wp_late_lru;
  if (late && !old.special()) put_page(fault.system, core, old.frame());
  fault.lock().unlock(core);
  if (!late && !old.special()) put_page(fault.system, core, old.frame());
}

/// The page that takes the place of `old`: no_frame if there is no memory.
FrameNumber new_page(const VmFault& fault, Pte old) {
  PageContents& contents = fault.system.contents;
  if (old.special()) return contents.alloc_page(fault.core(), GFP_HIGHUSER_MOVABLE | gfp_zero);
  const FrameNumber copy = fault.system.pages.alloc_page(fault.core(), GFP_HIGHUSER_MOVABLE);
  if (copy != no_frame) contents.copy_page(fault.core(), old.frame(), copy); // cow_user_page()
  return copy;
}

/// With the lock held and the entry still `old`.
void replace_entry(const VmFault& fault, Pte old, FrameNumber copy) {
  System& system = fault.system;
  Core& core = fault.core();
  const bool late_lru = system.parameters.wp_late_lru;
  if (old.special()) {
    ++fault.mm.rss_anon;
  } else if ((system.pages[old.frame()].flags & PG_file) != 0) {
    --fault.mm.rss_file;
    ++fault.mm.rss_anon;
  }
  system.before_entries_change(core);
  PageTable::set(fault.slot.table, fault.slot.index, fault.slot.entry().cleared());
  system.oracle.entry_changed(fault.mm, fault.page, fault.page + 1);
  core.charge(fault.work().pte_clear, Account::work);
  system.flusher.flush_page(core, fault.mm, fault.page);
  if (!late_lru) system.rmap->page_add_new_anon(core, copy, fault.mapping());
  core.settle();
  fault.map(copy, pte_writable | pte_young | pte_dirty);
  if (late_lru) {
    core.settle(); // the copy can be seen
    system.rmap->page_add_new_anon(core, copy, fault.mapping());
  }
  core.settle();
  if (old.special()) return;
  system.rmap->page_remove(core, old.frame(), fault.slot.table, fault.slot.index);
  core.charge(fault.work().page_unref, Account::work);
  put_page(system, core, old.frame()); // the mapping's reference
}

/// Without the lock, but with a reference on the old page.
FaultKind wp_page_copy(const VmFault& fault, Pte old) {
  System& system = fault.system;
  const FrameNumber copy = fault.anon_vma_prepare() ? new_page(fault, old) : no_frame;
  if (copy == no_frame) {
    if (!old.special()) put_page(system, fault.core(), old.frame());
    return FaultKind::out_of_memory;
  }
  Core& core = fault.core();
  fault.lock().lock(core);
  core.settle();
  const bool same = !((fault.slot.entry().word() ^ old.word()) & ~Tlb::noted_by_hardware); // pte_same()
  if (same)
    replace_entry(fault, old, copy);
  else
    put_page(system, core, copy); // another thread was faster
  put_old_and_unlock(fault, old);
  if (!same) return FaultKind::spurious;
  system.counters.add(Counter::pgcow);
  return FaultKind::cow_copy;
}

} // namespace

FaultKind do_wp_page(const VmFault& fault) {
  const Pte old = fault.slot.entry();
  if (!old.special()) { // vm_normal_page()
    Frame& frame = fault.system.pages[old.frame()];
    const bool anonymous = (frame.flags & PG_file) == 0;
    if (anonymous && take_over(fault, old.frame())) return wp_page_reuse(fault);
    if (!anonymous && !fault.vma.is_private()) return wp_page_shared(fault, frame);
    ++frame.refcount; // get_page(): it must outlive the copying
    fault.core().charge(fault.work().page_ref, Account::work);
  }
  fault.lock().unlock(fault.core());
  return wp_page_copy(fault, old);
}

} // namespace mmsim
