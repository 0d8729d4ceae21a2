#include "models/operations/expand_stack.hpp"

#include "models/operations/anon_vma.hpp"
#include "models/operations/vma.hpp"

namespace mmsim {

namespace {

bool too_close_to_the_area_below(const System& system, MmStruct& mm, const Vma& vma, PageNumber page) {
  const auto gap = static_cast<std::uint64_t>(system.parameters.stack_guard_gap);
  const Vma* below = mm.vmas.previous(vma);
  if (below == nullptr) return false;
  if (page < below->end) return true;
  const bool accessible = (below->flags & (VM_READ | VM_WRITE | VM_EXEC)) != 0;
  return !below->has(VM_GROWSDOWN) && accessible && page - below->end < gap;
}

} // namespace

bool expand_stack(System& system, Core& core, MmStruct& mm, Vma& vma, PageNumber page) {
  if (page < mmap_min_addr || too_close_to_the_area_below(system, mm, vma, page)) return false;
  if (vma.anon_vma == nullptr && !anon_vma_prepare(system, core, mm, vma)) return false;
  vma.anon_vma->update(core); // anon_vma_lock_write()
  if (vma.begin <= page) return true;
  if ((vma.end - page) * bytes_per_frame > system.parameters.stack_limit.value())
    return false; // acct_stack_growth()
  const std::uint64_t grow = vma.begin - page;
  if (vma.has(VM_ACCOUNT) && !system.overcommit.vm_enough_memory(core, mm, grow)) return false;
  system.flusher.complete(core, mm, page, grow); // a flush of it may have been put off
  mm.page_table_lock->lock(core);
  core.settle();
  const std::uint64_t grown = page < vma.begin ? vma.begin - page : 0; // another thread may have been faster
  if (grown > 0) {
    mm.total_vm += static_cast<std::int64_t>(grown);
    vma.pgoff -= grown;
    mm.vmas.resize(vma, page, vma.end);
  }
  mm.page_table_lock->unlock(core);
  if (vma.has(VM_ACCOUNT) && grown < grow) system.overcommit.vm_unacct_memory(core, grow - grown);
  return true;
}

} // namespace mmsim
