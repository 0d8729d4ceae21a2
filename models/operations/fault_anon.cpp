// Demand-zero faults: do_anonymous_page() of mm/memory.c.
//
// A read maps the zero page where the version has it (kernel.zero_page): a special entry, which counts in no
// rss and has no reference. Else: the area's anon_vma if it has none, a cleared page, then under the table's
// lock the entry is looked at again, the page added to the LRU by way of the core's pagevec
// (models/reclaim/lru.hpp: every 15th waits for lru_lock here) and the entry set.
#include "models/operations/gather.hpp"
#include "models/operations/vm_fault.hpp"

namespace mmsim {

namespace {

FaultKind map_zero_page(const VmFault& fault) {
  const FrameNumber zero_page = fault.system.pages.layout().empty_zero_page();
  const bool first = fault.map_if_none([&] { fault.map(zero_page, pte_special | pte_young); });
  return first ? FaultKind::zero_page : FaultKind::spurious;
}

} // namespace

FaultKind do_anonymous_page(const VmFault& fault) {
  System& system = fault.system;
  Vma& vma = fault.vma;
  if (!vma.is_private()) return FaultKind::bus_error; // shared memory without a file: shmem has one
  if (!fault.write() && system.parameters.zero_page) return map_zero_page(fault);
  if (!fault.anon_vma_prepare()) return FaultKind::out_of_memory;
  const FrameNumber frame = system.contents.alloc_page(fault.core(), GFP_HIGHUSER_MOVABLE | gfp_zero);
  if (frame == no_frame) return FaultKind::out_of_memory;
  Core& core = fault.core();
  SpinLock& lock = fault.lock();
  lock.lock(core);
  core.settle();
  if (!fault.slot.entry().none()) { // another thread has faulted it in meanwhile
    put_page(system, core, frame);
    lock.unlock(core);
    return FaultKind::spurious;
  }
  ++fault.mm.rss_anon;
  system.rmap->page_add_new_anon(core, frame, fault.mapping());
  core.settle();
  fault.map(frame, pte_young | (vma.writable() ? pte_writable | pte_dirty : 0));
  lock.unlock(core);
  return FaultKind::demand_zero;
}

} // namespace mmsim
