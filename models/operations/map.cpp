#include "models/operations/map.hpp"

#include "models/operations/user.hpp"
#include "models/operations/vma_adjust.hpp"

#include <bit>

namespace mmsim {

namespace {

bool is_free(const System& system, Task& task, PageNumber first, std::uint64_t pages) {
  const Vma* const vma = find_vma(task, *task.mm, first);
  return vma == nullptr || first + pages <= vm_start_gap(system, *vma);
}

} // namespace

MmapResult get_unmapped_area(System& system, Task& task, const MmapRequest& request) {
  MmStruct& mm = *task.mm;
  const PageNumber end = mm.tables.shape().end();
  if (end.value() < request.pages) return {map_failed, Errno::enomem};
  const bool fits = request.hint.value() <= end.value() - request.pages;
  if ((request.flags & MAP_FIXED) != 0)
    return fits ? MmapResult{request.hint} : MmapResult{map_failed, Errno::enomem};
  if (request.hint >= mmap_min_addr && fits && is_free(system, task, request.hint, request.pages))
    return {request.hint};
  auto first = arch_get_unmapped_area(system, task.core(), mm, request.pages, request.alignment);
  if (!first && !mm.withheld.empty()) { // what a policy withholds may be what is missing
    system.flusher.complete(task.core(), mm);
    first = arch_get_unmapped_area(system, task.core(), mm, request.pages, request.alignment);
  }
  return first ? MmapResult{*first} : MmapResult{map_failed, Errno::enomem};
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
  if ((request.flags & MAP_FIXED) != 0 && !is_free(system, task, first, request.pages) &&
      do_munmap(system, task, first, request.pages, false).error != Errno::ok)
    return {map_failed, Errno::enomem};
  system.flusher.complete(task.core(), mm, first, request.pages); // a flush of it may have been put off
  if (accountable_mapping(flags)) {
    if (!system.overcommit.vm_enough_memory(task.core(), mm, request.pages))
      return {map_failed, Errno::enomem};
    flags |= VM_ACCOUNT;
  }
  const Errno error = map_area(system, task, {first, end, flags, nullptr, request.file, pgoff});
  return error == Errno::ok ? MmapResult{first} : MmapResult{map_failed, error};
}

// Which it must be one of.
bool has_a_type(std::uint32_t flags) { return std::has_single_bit(flags & (MAP_SHARED | MAP_PRIVATE)); }

// With mmap_lock held for writing.
MmapResult do_mmap(System& system, Task& task, MmapRequest request) {
  MmStruct& mm = *task.mm;
  if (request.pages == 0) return {map_failed, Errno::einval};
  if ((request.flags & MAP_FIXED_NOREPLACE) != 0) request.flags |= MAP_FIXED;
  if (mm.vmas.size() > system.max_map_count()) return {map_failed, Errno::enomem};
  task.core().charge(task.core().costs().work.mmap, Account::work);
  const MmapResult place = get_unmapped_area(system, task, request);
  if (place.error != Errno::ok) return place;
  if ((request.flags & MAP_FIXED_NOREPLACE) != 0) {
    const Vma* const vma = find_vma(task, mm, place.first);
    if (vma != nullptr && vma->begin < place.first + request.pages) return {map_failed, Errno::eexist};
  }
  const bool anonymous = request.file == nullptr;
  if (!has_a_type(request.flags)) return {map_failed, Errno::einval};
  if ((request.flags & MAP_SHARED) != 0 && (request.flags & MAP_GROWSDOWN) != 0)
    return {map_failed, Errno::einval};
  if (anonymous && (request.flags & MAP_SHARED) != 0) return {map_failed, Errno::enodev};
  return mmap_region(system, task, request, place.first);
}

} // namespace

MmapResult mmap(System& system, Task& task, const MmapRequest& request) {
  task.core().charge(task.core().costs().entry.syscall, Account::entry);
  task.mm->mmap_lock.down_write(task);
  const MmapResult mapped = do_mmap(system, task, request);
  task.mm->mmap_lock.up_write(task);
  if (mapped.error != Errno::ok) failed(system, task, mapped.error, "mmap", request.hint, request.pages);
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
