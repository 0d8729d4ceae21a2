#include "models/operations/map.hpp"

#include "models/operations/anon_vma.hpp"
#include "models/operations/gather.hpp"
#include "models/operations/user.hpp"
#include "models/operations/vma.hpp"

#include <stdexcept>

namespace mmsim {

namespace {
// do_mmap() -> mmap_region(), with mmap_lock held for writing.
PageNumber mmap_region(System& system, Task& task, MmStruct& mm, std::uint64_t pages,
                       std::uint64_t alignment) {
  Core& core = task.core();
  core.charge(core.costs().work.mmap, Account::work);
  const std::optional<PageNumber> found = get_unmapped_area(system, core, mm, pages, alignment);
  if (!found) return map_failed;
  const PageNumber first = *found;
  if (!system.overcommit.vm_enough_memory(core, mm, pages)) return map_failed;
  Vma area;
  const bool allocated = vm_area_alloc(system, core, area);
  if (!allocated || !vma_prealloc(core, mm)) {
    if (allocated) vm_area_free(system, core, area);
    system.overcommit.vm_unacct_memory(core, pages);
    return map_failed;
  }
  area.begin = first;
  area.end = first + pages;
  area.flags = vm_read_write | VM_ACCOUNT;
  area.pgoff = first.value();
  vma_link(system, task, mm, area);
  mm.total_vm += static_cast<std::int64_t>(pages);
  return first;
}

} // namespace

PageNumber mmap(System& system, Task& task, std::uint64_t pages, std::uint64_t alignment) {
  MmStruct& mm = *task.mm;
  task.core().charge(task.core().costs().entry.syscall, Account::entry);
  mm.mmap_lock.down_write(task);
  const PageNumber mapped = mmap_region(system, task, mm, pages, alignment);
  mm.mmap_lock.up_write(task);
  return_to_user_mode(system, task);
  return mapped;
}

void munmap(System& system, Task& task, PageNumber first, std::uint64_t pages) {
  MmStruct& mm = *task.mm;
  task.core().charge(task.core().costs().entry.syscall, Account::entry);
  mm.mmap_lock.down_write(task);
  task.core().charge(task.core().costs().work.munmap, Account::work);
  Vma* vma = find_vma(task, mm, first);
  if (vma == nullptr || vma->begin != first || vma->pages() != pages)
    throw std::logic_error("munmap of a range that is not exactly one area");
  const Vma gone = *vma;
  const PageNumber end = gone.end;
  const std::uint64_t accounted = gone.has(VM_ACCOUNT) ? pages : 0;
  vma_unlink(system, task, mm, *vma);
  Core& core = task.core();
  mm.total_vm -= static_cast<std::int64_t>(pages);
  // Tables may go that cover nothing but what lies between the neighbours.
  const auto [floor, ceiling] = mm.vmas.free_around(first, end, mm.tables.shape().end());
  const bool downgraded = system.parameters.munmap_downgrade;
  if (downgraded) mm.mmap_lock.downgrade_write(task);
  system.lru->lru_add_drain(core); // unmap_region()
  MmuGather gather(system, mm);
  gather.zap(core, first, end);
  anon_vma_unlink(system, core, gone);
  gather.unhook(core, floor, ceiling);
  gather.finish(core);
  if (accounted > 0) system.overcommit.vm_unacct_memory(core, accounted); // remove_vma_list()
  vm_area_free(system, core, gone);                                       // remove_vma()
  if (downgraded)
    mm.mmap_lock.up_read(task);
  else
    mm.mmap_lock.up_write(task);
  return_to_user_mode(system, task);
}

} // namespace mmsim
