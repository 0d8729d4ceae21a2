#include "models/operations/map.hpp"

#include "models/operations/anon_vma.hpp"
#include "models/operations/gather.hpp"
#include "models/operations/user.hpp"

#include <stdexcept>

namespace mmsim {

namespace {
// Where user memory begins: the first 2 MiB stay empty, as mmap_min_addr and the executable's base have it.
constexpr PageNumber lowest_page{512};

// get_unmapped_area(): the end of the address space if there is none.
PageNumber get_unmapped_area(MmStruct& mm, std::uint64_t pages, std::uint64_t alignment) {
  const PageNumber end = mm.tables.shape().end();
  if (pages > end.value()) return end;
  PageNumber first = lowest_page;
  for (;;) {
    first = PageNumber((first.value() + alignment - 1) / alignment * alignment);
    if (end < first + pages) return end;
    const PageNumber gap = mm.vmas.find_gap(first, pages, end);
    if (gap == end) return gap;
    const PageNumber free = mm.withheld.past(gap, pages);
    if (free == first) return free;
    first = free;
  }
}

// do_mmap() -> mmap_region(), with mmap_lock held for writing.
PageNumber mmap_region(System& system, Core& core, MmStruct& mm, std::uint64_t pages,
                       std::uint64_t alignment) {
  const WorkCosts& work = core.costs().work;
  const PageNumber first = get_unmapped_area(mm, pages, alignment);
  core.charge(work.mmap + static_cast<std::int64_t>(std::bit_width(mm.vmas.size())) * work.vma_find_level,
              Account::work);
  if (first == mm.tables.shape().end()) return map_failed;
  if (!system.overcommit.vm_enough_memory(core, mm, pages)) return map_failed;
  const SlabObject object = system.slabs.vm_area_struct.alloc(core, GFP_KERNEL); // vm_area_alloc()
  if (object == no_object) {
    system.overcommit.vm_unacct_memory(core, pages);
    return map_failed;
  }
  core.charge(work.vma_insert, Account::work);
  core.settle();
  Vma area;
  area.begin = first;
  area.end = first + pages;
  area.flags = vm_read_write | VM_ACCOUNT;
  area.pgoff = first.value();
  area.object = object;
  mm.vmas.insert(area);
  mm.total_vm += static_cast<std::int64_t>(pages);
  return first;
}

} // namespace

PageNumber mmap(System& system, Task& task, std::uint64_t pages, std::uint64_t alignment) {
  MmStruct& mm = *task.mm;
  task.core().charge(task.core().costs().entry.syscall, Account::entry);
  mm.mmap_lock.down_write(task);
  const PageNumber mapped = mmap_region(system, task.core(), mm, pages, alignment);
  mm.mmap_lock.up_write(task);
  return_to_user_mode(system, task);
  return mapped;
}

void munmap(System& system, Task& task, PageNumber first, std::uint64_t pages) {
  MmStruct& mm = *task.mm;
  task.core().charge(task.core().costs().entry.syscall, Account::entry);
  mm.mmap_lock.down_write(task);
  Core& core = task.core();
  const WorkCosts& work = core.costs().work;
  Vma* vma = mm.vmas.find(first);
  core.charge(work.munmap + mm.vmas.levels_walked() * work.vma_find_level, Account::work);
  if (vma == nullptr || vma->begin != first || vma->pages() != pages)
    throw std::logic_error("munmap of a range that is not exactly one area");
  const Vma gone = *vma;
  const PageNumber end = gone.end;
  const std::uint64_t accounted = gone.has(VM_ACCOUNT) ? pages : 0;
  core.charge(work.vma_remove, Account::work);
  core.settle();
  mm.vmas.erase(*vma);
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
  gather.finish_munmap(core, first, end);
  if (accounted > 0) system.overcommit.vm_unacct_memory(core, accounted); // remove_vma_list()
  system.slabs.vm_area_struct.free(core, gone.object);                    // remove_vma()
  if (downgraded)
    mm.mmap_lock.up_read(task);
  else
    mm.mmap_lock.up_write(task);
  return_to_user_mode(system, task);
}

} // namespace mmsim
