#include "models/operations/mremap.hpp"

#include "models/operations/move_page_tables.hpp"
#include "models/operations/munmap.hpp"
#include "models/operations/user.hpp"
#include "models/operations/vma_adjust.hpp"
#include "models/operations/vma_lock.hpp"

namespace mmsim {

namespace {

struct Resizable {
  Vma* vma = nullptr;
  Errno error = Errno::ok;
  std::uint64_t charged = 0; // pages promised for the growth
};

Resizable vma_to_resize(System& system, Task& task, PageNumber first, std::uint64_t old_pages,
                        std::uint64_t new_pages) {
  MmStruct& mm = *task.mm;
  Vma* const vma = find_vma(task, mm, first);
  if (vma == nullptr || first < vma->begin) return {nullptr, Errno::efault};
  if (old_pages == 0) return {nullptr, Errno::einval};
  if (old_pages > vma->end - first) return {nullptr, Errno::efault}; // across areas
  if (!vma->has(VM_ACCOUNT)) return {vma};
  const std::uint64_t growth = new_pages - old_pages;
  if (!system.overcommit.vm_enough_memory(task.core(), mm, growth)) return {nullptr, Errno::enomem};
  return {vma, Errno::ok, growth};
}

bool vma_expandable(MmStruct& mm, const Vma& vma, std::uint64_t growth) {
  const PageNumber task_size = mm.tables.shape().end();
  if (task_size - vma.end < growth) return false;
  const Vma* const next = mm.vmas.next(vma);
  return next == nullptr || vma.end + growth <= next->begin;
}

// `vma` may become part of the copy, where they merge: then it is that. A new copy comes behind it in the reverse map's
// order; one that was there before may not.
Vma* copy_vma(System& system, Task& task, Vma*& vma, PageNumber to, std::uint64_t pages, std::uint64_t pgoff,
              bool& need_rmap_locks) {
  MmStruct& mm = *task.mm;
  const PageNumber old_begin = vma->begin;
  if (vma->file == nullptr && !system.rmap->has_anon_pages(*vma)) pgoff = to.value(); // no page knows it yet
  Vma* const previous = vma_before(mm, to);
  if (Vma* const merged =
          vma_merge(system, task, previous, {to, to + pages, vma->flags, vma->anon_vma, vma->file, pgoff})) {
    if (merged->contains(old_begin)) vma = merged;
    need_rmap_locks = merged->pgoff <= vma->pgoff;
    // 2.6.24 also merges with an area that has no anon_vma, and leaves it without one. Its list needs no memory for one
    // more area: this cannot fail with the area grown.
    const bool found = merged->anon_vma != nullptr || system.rmap->anon_vma_clone(task, *merged, *vma);
    return found ? merged : nullptr;
  }
  Vma* const copy = vm_area_alloc(system, task.core(), mm, *vma); // vm_area_dup()
  if (copy == nullptr) return nullptr;
  copy->begin = to;
  copy->end = to + pages;
  copy->pgoff = pgoff;
  const WorkCosts& work = task.core().costs().work;
  task.core().charge(work.vma_dup + work.rmap_link, Account::work);
  if (!system.rmap->anon_vma_clone(task, *copy, *vma)) {
    vm_area_free(system, task.core(), *copy);
    return nullptr;
  }
  map_file(task, *copy);
  vma_start_write(task, mm, *copy); // before it can be found: the tables move into it
  vma_link(system, task, mm, *copy);
  return copy;
}

MmapResult move_vma(System& system, Task& task, Vma* vma, PageNumber old_first, std::uint64_t old_pages,
                    PageNumber new_first, std::uint64_t new_pages) {
  MmStruct& mm = *task.mm;
  if (mm.vmas.size() + 3 >= system.max_map_count()) return {map_failed, Errno::enomem};
  const bool accounted = vma->has(VM_ACCOUNT);
  vma_start_write(task, mm, *vma);
  bool need_rmap_locks = false;
  Vma* const copy = copy_vma(system, task, vma, new_first, new_pages, vma->pgoff + (old_first - vma->begin),
                             need_rmap_locks);
  if (copy == nullptr) return {map_failed, Errno::enomem};
  vma_start_write(task, mm, *copy);
  MmapResult result{new_first};
  const std::uint64_t moved =
      move_page_tables(system, task, *vma, old_first, new_first, old_pages, need_rmap_locks);
  if (moved < old_pages) { // back again, where the tables still are; and the copy goes
    move_page_tables(system, task, *copy, new_first, old_first, moved, true);
    vma = copy;
    old_first = new_first;
    old_pages = new_pages;
    result = {map_failed, Errno::enomem};
  }
  std::uint64_t excess = 0;
  bool cut_in_three = false;
  if (accounted) { // what was promised for the old range is the new one's now
    vma->flags &= ~std::uint32_t{VM_ACCOUNT};
    excess = vma->pages() - old_pages;
    cut_in_three = vma->begin < old_first && old_first + old_pages < vma->end;
  }
  mm.total_vm += static_cast<std::int64_t>(new_pages);
  if (do_munmap(system, task, old_first, old_pages, false).error != Errno::ok && excess > 0) {
    system.overcommit.vm_unacct_memory(task.core(), excess);
    excess = 0;
  }
  if (excess > 0) { // one or two pieces are left
    vma->flags |= VM_ACCOUNT;
    if (cut_in_three) mm.vmas.next(*vma)->flags |= VM_ACCOUNT;
  }
  return result;
}

MmapResult grow(System& system, Task& task, PageNumber first, std::uint64_t old_pages,
                std::uint64_t new_pages, std::uint32_t flags, const Resizable& resizable) {
  MmStruct& mm = *task.mm;
  Vma* const vma = resizable.vma;
  if (first + old_pages == vma->end && vma_expandable(mm, *vma, new_pages - old_pages)) {
    system.flusher.complete(task.core(), mm, vma->end, new_pages - old_pages); // it may have been put off
    expand_vma(system, task, *vma, first + new_pages);
    mm.total_vm += static_cast<std::int64_t>(new_pages - old_pages);
    return {first};
  }
  if ((flags & MREMAP_MAYMOVE) == 0) return {map_failed, Errno::enomem};
  MmapRequest place;
  place.pages = new_pages;
  const MmapResult to = get_unmapped_area(system, task, place);
  if (to.error != Errno::ok) return to;
  return move_vma(system, task, vma, first, old_pages, to.first, new_pages);
}

// With mmap_lock held for writing; `unmapped` says how on return.
MmapResult do_mremap(System& system, Task& task, PageNumber first, std::uint64_t old_pages,
                     std::uint64_t new_pages, std::uint32_t flags, MunmapResult& unmapped) {
  if (new_pages <= old_pages) {
    if (new_pages == old_pages) return {first};
    unmapped =
        do_munmap(system, task, first + new_pages, old_pages - new_pages, system.parameters.munmap_downgrade);
    return unmapped.error == Errno::ok ? MmapResult{first} : MmapResult{map_failed, unmapped.error};
  }
  const Resizable resizable = vma_to_resize(system, task, first, old_pages, new_pages);
  if (resizable.error != Errno::ok) return {map_failed, resizable.error};
  const MmapResult result = grow(system, task, first, old_pages, new_pages, flags, resizable);
  if (result.error != Errno::ok && resizable.charged > 0)
    system.overcommit.vm_unacct_memory(task.core(), resizable.charged);
  return result;
}

} // namespace

MmapResult mremap(System& system, Task& task, PageNumber first, std::uint64_t old_pages,
                  std::uint64_t new_pages, std::uint32_t flags) {
  const EntryCosts& entry = task.core().costs().entry;
  task.core().charge(entry.syscall, Account::entry);
  MmapResult result{map_failed, Errno::einval};
  if (new_pages > 0 && (flags & ~std::uint32_t{MREMAP_MAYMOVE}) == 0) {
    task.mm->mmap_lock.down_write(task);
    task.core().charge(task.core().costs().work.mremap, Account::work);
    MunmapResult unmapped;
    result = do_mremap(system, task, first, old_pages, new_pages, flags, unmapped);
    unlock_after(task, unmapped);
  }
  if (result.error != Errno::ok) failed(system, task, result.error, "mremap", first, old_pages);
  return_to_user_mode(system, task);
  return result;
}

} // namespace mmsim
