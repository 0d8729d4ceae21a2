#include "models/operations/vma_adjust.hpp"

#include "models/operations/vma_lock.hpp"
#include "models/reclaim/file.hpp"

#include <algorithm>
#include <iterator>
#include <span>

namespace mmsim {

Vma* vma_next(MmStruct& mm, Vma* previous) {
  if (previous != nullptr) return mm.vmas.next(*previous);
  return mm.vmas.size() == 0 ? nullptr : &*mm.vmas.begin();
}

Vma* vma_before(MmStruct& mm, PageNumber page) {
  if (Vma* const vma = mm.vmas.find(page)) return mm.vmas.previous(*vma);
  return mm.vmas.size() == 0 ? nullptr : &*std::prev(mm.vmas.end());
}

PageNumber vm_start_gap(const System& system, const Vma& vma) {
  if (!vma.has(VM_GROWSDOWN)) return vma.begin;
  const auto gap = static_cast<std::uint64_t>(system.parameters.stack_guard_gap);
  return PageNumber(vma.begin.value() - std::min(gap, vma.begin.value()));
}

namespace {

// When a boundary moves, the area that grows must have an anon_vma if the one that shrinks has: there may be pages.
// False if memory ran out.
bool import_anon_vma(System& system, Task& task, Vma& importer, const Vma& exporter) {
  if (exporter.anon_vma == nullptr || importer.anon_vma != nullptr) return true;
  return system.rmap->anon_vma_clone(task, importer, exporter);
}

// __vma_adjust() with `keeper` growing over `swallowed`, which are freed. False if memory ran out: nothing has changed.
bool grow_over(System& system, Task& task, Vma& keeper, PageNumber begin, PageNumber end,
               std::span<Vma* const> swallowed) {
  MmStruct& mm = *task.mm;
  for (Vma* const vma : swallowed)
    if (!import_anon_vma(system, task, keeper, *vma)) return false;
  for (Vma* const vma : swallowed)
    vma_unlink(system, task, mm, *vma);
  if (begin != keeper.begin || end != keeper.end) vma_adjust(system, task, mm, keeper, begin, end);
  for (Vma* const vma : swallowed) {
    if (vma->file != nullptr) vma->file->unlink_area(task, *vma);
    system.rmap->unlink_anon_vmas(task, *vma); // anon_vma_merge()
    remove_vma(system, task, *vma);
  }
  return true;
}

// __vma_adjust() with the boundary of two neighbours going to `boundary`. False if memory ran out.
bool shift_boundary(System& system, Task& task, Vma& lower, Vma& upper, PageNumber boundary) {
  const bool up = boundary > lower.end;
  if (!import_anon_vma(system, task, up ? lower : upper, up ? upper : lower)) return false;
  vma_shift_boundary(system, task, *task.mm, lower, upper, boundary);
  return true;
}

bool is_mergeable_vma(const System& system, const Vma& vma, const WantedArea& wanted) {
  return vma.flags == wanted.flags && vma.file == wanted.file &&
         system.rmap->is_mergeable_anon_vma(vma.anon_vma, wanted.anon_vma, &vma);
}

bool can_vma_merge_after(const System& system, const Vma& previous, const WantedArea& wanted) {
  return is_mergeable_vma(system, previous, wanted) && previous.pgoff + previous.pages() == wanted.pgoff;
}

bool can_vma_merge_before(const System& system, const Vma& next, const WantedArea& wanted) {
  return is_mergeable_vma(system, next, wanted) && next.pgoff == wanted.pgoff + (wanted.end - wanted.begin);
}

} // namespace

Errno split_vma(System& system, Task& task, Vma& vma, PageNumber at, NewPart new_part) {
  MmStruct& mm = *task.mm;
  Vma* const part = vm_area_alloc(system, task.core(), mm, vma); // vm_area_dup()
  if (part == nullptr) return Errno::enomem;
  task.core().charge(task.core().costs().work.vma_dup, Account::work);
  const bool below = new_part == NewPart::below;
  if (below) {
    part->end = at;
  } else {
    part->begin = at;
    part->pgoff += at - vma.begin;
  }
  if (!system.rmap->anon_vma_clone(task, *part, vma)) {
    vm_area_free(system, task.core(), *part);
    return Errno::enomem;
  }
  map_file(task, *part);
  task.core().charge(task.core().costs().work.rmap_link, Account::work);
  vma_adjust(system, task, mm, vma, below ? at : vma.begin, below ? vma.end : at);
  vma_link(system, task, mm, *part);
  return Errno::ok;
}

Errno split_vma_within_limit(System& system, Task& task, Vma& vma, PageNumber at, NewPart new_part) {
  if (task.mm->vmas.size() >= system.max_map_count()) return Errno::enomem;
  return split_vma(system, task, vma, at, new_part);
}

Vma* vma_merge(System& system, Task& task, Vma* previous, const WantedArea& wanted) {
  MmStruct& mm = *task.mm;
  Vma* const area = vma_next(mm, previous); // what is there now, if anything is
  Vma* next = area;
  if (area != nullptr && area->end == wanted.end) next = mm.vmas.next(*area); // cases 6, 7, 8
  const bool below =
      previous != nullptr && previous->end == wanted.begin && can_vma_merge_after(system, *previous, wanted);
  const bool above =
      next != nullptr && next->begin == wanted.end && can_vma_merge_before(system, *next, wanted);
  if (below && above &&
      system.rmap->is_mergeable_anon_vma(previous->anon_vma, next->anon_vma, nullptr)) { // cases 1, 6
    Vma* const both[] = {area, next};
    const bool grown = grow_over(system, task, *previous, previous->begin, next->end,
                                 std::span<Vma* const>(both).subspan(area == next ? 1 : 0));
    return grown ? previous : nullptr;
  }
  if (below) {
    const bool grown =
        area != nullptr && area->begin < wanted.end && wanted.end < area->end
            ? shift_boundary(system, task, *previous, *area, wanted.end)      // case 5
            : grow_over(system, task, *previous, previous->begin, wanted.end, // cases 2, 7
                        std::span<Vma* const>(&area, area != nullptr && area->begin < wanted.end ? 1 : 0));
    return grown ? previous : nullptr;
  }
  if (!above) return nullptr;
  const bool grown = previous != nullptr && wanted.begin < previous->end
                         ? shift_boundary(system, task, *previous, *next, wanted.begin) // case 4
                         : grow_over(system, task, *next, wanted.begin, next->end,      // cases 3, 8
                                     std::span<Vma* const>(&area, area != next ? 1 : 0));
  return grown ? next : nullptr;
}

Errno vma_modify(System& system, Task& task, Vma*& vma, Vma* previous, PageNumber begin, PageNumber end,
                 std::uint32_t flags) {
  const std::uint64_t pgoff = vma->pgoff + (begin - vma->begin);
  if (Vma* const merged =
          vma_merge(system, task, previous, {begin, end, flags, vma->anon_vma, vma->file, pgoff})) {
    vma = merged;
    return Errno::ok;
  }
  Errno error = Errno::ok;
  if (begin != vma->begin) error = split_vma_within_limit(system, task, *vma, begin, NewPart::below);
  if (error == Errno::ok && end != vma->end)
    error = split_vma_within_limit(system, task, *vma, end, NewPart::above);
  return error;
}

void expand_vma(System& system, Task& task, Vma& vma, PageNumber end) {
  vma_adjust(system, task, *task.mm, vma, vma.begin, end);
}

void map_file(Task& task, Vma& vma) {
  if (vma.file == nullptr) return;
  vma.file->get(task.core());
  vma.file->link_area(task, vma);
}

Errno map_area(System& system, Task& task, const WantedArea& wanted) {
  MmStruct& mm = *task.mm;
  const std::uint64_t pages = wanted.end - wanted.begin;
  if (vma_merge(system, task, vma_before(mm, wanted.begin), wanted) == nullptr) {
    Vma area;
    area.begin = wanted.begin;
    area.end = wanted.end;
    area.flags = wanted.flags;
    area.file = wanted.file;
    area.pgoff = wanted.pgoff;
    Vma* const made = vm_area_alloc(system, task.core(), mm, area);
    if (made == nullptr) {
      if (area.has(VM_ACCOUNT)) system.overcommit.vm_unacct_memory(task.core(), pages);
      return Errno::enomem;
    }
    map_file(task, *made);
    vma_link(system, task, mm, *made);
  }
  mm.total_vm += static_cast<std::int64_t>(pages); // vm_stat_account()
  return Errno::ok;
}

void unlink_from_reverse_map(System& system, Task& task, Vma& gone) {
  system.rmap->unlink_anon_vmas(task, gone);
  if (gone.file != nullptr) gone.file->unlink_area(task, gone);
}

void remove_vma(System& system, Task& task, Vma& gone) {
  if (gone.file != nullptr) gone.file->put(task.core());
  vm_area_free(system, task.core(), gone);
}

} // namespace mmsim
