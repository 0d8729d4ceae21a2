#include "models/operations/map.hpp"

#include "models/operations/anon_vma.hpp"
#include "models/operations/gather.hpp"

#include <stdexcept>

namespace mmsim {

namespace {
// Where user memory begins: the first 2 MiB stay empty, as mmap_min_addr and the executable's base have it.
constexpr PageNumber lowest_page{512};
} // namespace

PageNumber mmap(System& system, Task& task, std::uint64_t pages, std::uint64_t alignment) {
  MmStruct& mm = *task.mm;
  task.core().charge(task.core().costs().entry.syscall, Account::entry);
  mm.mmap_lock.down_write(task);
  const WorkCosts& work = task.core().costs().work;
  PageNumber first = lowest_page;
  for (;;) {
    first = PageNumber((first.value() + alignment - 1) / alignment * alignment);
    const PageNumber gap = mm.vmas.find_gap(first, pages, mm.tables.shape().end());
    if (gap == first || gap == mm.tables.shape().end()) break;
    first = gap;
  }
  if (mm.tables.shape().end() < first + pages)
    throw InputError("the address space has no room for another area of " + std::to_string(pages) + " pages");
  task.core().charge(work.mmap +
                         static_cast<std::int64_t>(std::bit_width(mm.vmas.size())) * work.vma_find_level,
                     Account::work);
  // mmap_region(): vm_area_alloc(), then vma_link()
  const SlabObject object = system.alloc_object_or_give_up(task.core(), system.slabs.vm_area_struct);
  task.core().charge(work.vma_insert, Account::work);
  task.core().settle();
  mm.vmas.insert({.begin = first, .end = first + pages, .object = object});
  mm.mmap_lock.up_write(task);
  system.scheduler.resched_point(task);
  return first;
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
  core.charge(work.vma_remove, Account::work);
  core.settle();
  mm.vmas.erase(*vma);
  // Tables may go that cover nothing but what lies between the neighbours.
  const auto [floor, ceiling] = mm.vmas.free_around(first, end, mm.tables.shape().end());
  const bool downgraded = system.parameters.munmap_downgrade;
  if (downgraded) mm.mmap_lock.downgrade_write(task);
  MmuGather gather(system, mm);
  gather.zap(core, first, end);
  anon_vma_unlink(system, core, gone);
  gather.unhook(core, floor, ceiling);
  gather.finish(core);
  system.slabs.vm_area_struct.free(core, gone.object); // remove_vma()
  if (downgraded)
    mm.mmap_lock.up_read(task);
  else
    mm.mmap_lock.up_write(task);
  system.scheduler.resched_point(task);
}

} // namespace mmsim
