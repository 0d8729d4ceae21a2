#include "models/operations/map.hpp"

#include "models/operations/user.hpp"
#include "models/operations/vma_adjust.hpp"

#include <bit>
#include <stdexcept>

namespace mmsim {

namespace {

// mmap_min_addr.
constexpr PageNumber lowest_page{16};

// TASK_UNMAPPED_BASE: a third up on 32-bit Arm, a quarter on arm64. The heap (brk) is below it.
PageNumber task_unmapped_base(PageNumber task_size) {
  constexpr std::uint64_t four_gib{1 << 20}, table{TablePage::entries};
  const std::uint64_t base = task_size.value() / (task_size.value() < four_gib ? 3 : 4);
  return PageNumber((base + table - 1) / table * table);
}

bool is_free(const System& system, MmStruct& mm, PageNumber first, std::uint64_t pages) {
  const Vma* const vma = mm.vmas.find(first);
  return vma == nullptr || first + pages <= vm_start_gap(system, *vma);
}

// arch_get_unmapped_area(): the end of the address space if there is none.
PageNumber lowest_free(MmStruct& mm, std::uint64_t pages, std::uint64_t alignment) {
  const PageNumber end = mm.tables.shape().end();
  PageNumber first = task_unmapped_base(end);
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

} // namespace

MmapResult get_unmapped_area(const System& system, MmStruct& mm, const MmapRequest& request) {
  const PageNumber end = mm.tables.shape().end();
  if (end.value() < request.pages) return {map_failed, Errno::enomem};
  const bool fits = request.hint.value() <= end.value() - request.pages;
  if ((request.flags & MAP_FIXED) != 0)
    return fits ? MmapResult{request.hint} : MmapResult{map_failed, Errno::enomem};
  if (request.hint >= lowest_page && fits && is_free(system, mm, request.hint, request.pages))
    return {request.hint};
  const PageNumber first = lowest_free(mm, request.pages, request.alignment);
  return first == end ? MmapResult{map_failed, Errno::enomem} : MmapResult{first};
}

namespace {

std::uint32_t vm_flags_of(const System& system, const MmapRequest& request) {
  std::uint32_t flags = calc_vm_prot_bits(request.prot);
  if ((request.flags & MAP_GROWSDOWN) != 0) flags |= VM_GROWSDOWN;
  if ((request.flags & MAP_SHARED) != 0) flags |= VM_SHARED;
  if ((request.flags & MAP_NORESERVE) != 0 && !system.overcommit.never()) flags |= VM_NORESERVE;
  return flags;
}

bool accountable_mapping(std::uint32_t flags) {
  return (flags & (VM_NORESERVE | VM_SHARED | VM_WRITE)) == VM_WRITE;
}

MmapResult mmap_region(System& system, Task& task, const MmapRequest& request, PageNumber first) {
  MmStruct& mm = *task.mm;
  const PageNumber end = first + request.pages;
  std::uint32_t flags = vm_flags_of(system, request);
  const std::uint64_t pgoff = request.file != nullptr ? request.pgoff : first.value();
  // munmap_vma_range(): nothing is there unless the address was fixed
  if ((request.flags & MAP_FIXED) != 0 && !is_free(system, mm, first, request.pages) &&
      do_munmap(system, task, first, request.pages, false).error != Errno::ok)
    return {map_failed, Errno::enomem};
  const bool accounted = accountable_mapping(flags);
  if (accounted) {
    if (!system.overcommit.vm_enough_memory(task.core(), mm, request.pages))
      return {map_failed, Errno::enomem};
    flags |= VM_ACCOUNT;
  }
  Vma* const previous = vma_before(mm, first);
  if (vma_merge(system, task, previous, {first, end, flags, nullptr, request.file, pgoff}) == nullptr) {
    Vma area;
    area.begin = first;
    area.end = end;
    area.flags = flags;
    area.file = request.file;
    area.pgoff = pgoff;
    area.object = system.slabs.vm_area_struct.alloc(task.core(), GFP_KERNEL); // vm_area_alloc()
    if (area.object == no_object) {
      if (accounted) system.overcommit.vm_unacct_memory(task.core(), request.pages);
      return {map_failed, Errno::enomem};
    }
    vma_link(system, task, area);
  }
  mm.total_vm += static_cast<std::int64_t>(request.pages); // vm_stat_account()
  return {first};
}

// Which it must be one of.
bool has_a_type(std::uint32_t flags) { return std::has_single_bit(flags & (MAP_SHARED | MAP_PRIVATE)); }

// With mmap_lock held for writing.
MmapResult do_mmap(System& system, Task& task, MmapRequest request) {
  MmStruct& mm = *task.mm;
  const WorkCosts& work = task.core().costs().work;
  if (request.pages == 0) return {map_failed, Errno::einval};
  if ((request.flags & MAP_FIXED_NOREPLACE) != 0) request.flags |= MAP_FIXED;
  if (mm.vmas.size() > system.max_map_count()) return {map_failed, Errno::enomem};
  const MmapResult place = get_unmapped_area(system, mm, request);
  task.core().charge(work.mmap +
                         static_cast<std::int64_t>(std::bit_width(mm.vmas.size())) * work.vma_find_level,
                     Account::work);
  if (place.error != Errno::ok) return place;
  if ((request.flags & MAP_FIXED_NOREPLACE) != 0) {
    const Vma* const vma = find_vma(task, mm, place.first);
    if (vma != nullptr && vma->begin < place.first + request.pages) return {map_failed, Errno::eexist};
  }
  const bool anonymous = request.file == nullptr;
  if (!has_a_type(request.flags)) return {map_failed, Errno::einval};
  if ((request.flags & MAP_SHARED) != 0 && (request.flags & MAP_GROWSDOWN) != 0)
    return {map_failed, Errno::einval};
  if (anonymous && (request.flags & MAP_SHARED) != 0)
    throw std::logic_error("shared anonymous memory is not modelled");
  return mmap_region(system, task, request, place.first);
}

} // namespace

MmapResult mmap(System& system, Task& task, const MmapRequest& request) {
  task.core().charge(task.core().costs().entry.syscall, Account::entry);
  task.mm->mmap_lock.down_write(task);
  const MmapResult mapped = do_mmap(system, task, request);
  task.mm->mmap_lock.up_write(task);
  if (mapped.error != Errno::ok) failed(task, mapped.error, "mmap", request.hint, request.pages);
  return_to_user_mode(system, task);
  return mapped;
}

PageNumber mmap(System& system, Task& task, std::uint64_t pages, std::uint64_t alignment) {
  MmapRequest request;
  request.pages = pages;
  request.alignment = alignment;
  return mmap(system, task, request).first;
}

} // namespace mmsim
