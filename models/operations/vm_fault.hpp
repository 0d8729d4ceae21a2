// One fault on its way through fault_*.cpp: struct vm_fault.
#pragma once

#include "models/operations/fault.hpp"
#include "models/operations/page_tables.hpp"

namespace mmsim {

struct VmFault {
  System& system;
  Task& task;
  MmStruct& mm;
  Vma& vma;
  PageNumber page;
  AccessKind kind;
  bool may_retry;  ///< mmap_lock may be dropped (FAULT_FLAG_ALLOW_RETRY, first attempt)
  bool vma_locked; ///< only the area is locked, not mmap_lock (FAULT_FLAG_VMA_LOCK)
  PteSlot slot;    ///< the entry of `page`

  /// The core that runs it now.
  Core& core() const { return task.core(); }
  bool write() const { return kind == AccessKind::write; }
  const WorkCosts& work() const { return core().costs().work; }
  /// linear_page_index(): the file's page.
  std::uint64_t pgoff() const { return vma.pgoff + (page - vma.begin); }
  Mapping mapping() const { return {mm, vma, page, slot.table, slot.index}; }
  SpinLock& lock() const { return system.pte_lock(mm, slot.table); }
  /// set_pte_at() of a page that nobody has mapped here yet.
  void map(FrameNumber frame, std::uint64_t flags) const {
    PageTable::set(slot.table, slot.index, slot.entry().mapped(frame, flags));
    core().charge(work().pte_set, Account::work);
  }
  /// The area has its anon_vma now; false: no memory.
  bool anon_vma_prepare() const {
    return vma.anon_vma != nullptr || system.rmap->anon_vma_prepare(task, mm, vma);
  }
  /// With the table's lock: calls map() unless another thread was faster. True if it was not.
  template <class Map>
  bool map_if_none(Map&& map) const {
    lock().lock(core());
    core().settle();
    const bool first = slot.entry().none();
    if (first) map();
    lock().unlock(core());
    return first;
  }
};

/// Nothing is mapped, and the area is anonymous.
FaultKind do_anonymous_page(const VmFault& fault);
/// Nothing is mapped, and the area is a file's.
FaultKind do_fault(const VmFault& fault);
/// A swap entry.
FaultKind do_swap_page(const VmFault& fault);
/// A write to a read-only entry. Called with the entry's lock held; drops it.
FaultKind do_wp_page(const VmFault& fault);

/// The entry gets `flags` besides what it has: ptep_set_access_flags(), with the flush that the version does
/// if it `became_dirty`. With the lock held.
void set_access_flags(const VmFault& fault, std::uint64_t flags, bool became_dirty);
/// fault_dirty_shared_page() of a locked page: it is dirty and unlocked. Without spinlocks; may sleep. True
/// if mmap_lock was dropped: FaultKind::retry.
[[nodiscard]] bool fault_dirty_shared_page(const VmFault& fault, CachedPage& page);

} // namespace mmsim
