#include "models/operations/vma_adjust.hpp"

#include "models/operations/anon_vma.hpp"
#include "models/operations/vma_lock.hpp"
#include "models/reclaim/file.hpp"

#include <algorithm>
#include <boost/container/static_vector.hpp>
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

// The reverse map finds areas by their boundaries, so whoever moves one does it under its locks.
void update_reverse_map(Task& task, Vma& vma) {
  if (vma.anon_vma != nullptr) vma.anon_vma->update(task.core());
  if (vma.file != nullptr) { // i_mmap's lock is held once in the kernel; here the area leaves and comes back
    vma.file->unlink_area(task);
    vma.file->link_area(task);
  }
  if (vma.anon_vma != nullptr || vma.file != nullptr)
    task.core().charge(task.core().costs().work.rmap_link, Account::work);
}

// When a boundary moves, the area that grows must have an anon_vma if the one that shrinks has: there may be
// pages.
void import_anon_vma(Core& core, Vma& importer, const Vma& exporter) {
  if (exporter.anon_vma == nullptr || importer.anon_vma != nullptr) return;
  importer.anon_vma = exporter.anon_vma;
  importer.anon_vma->link(core);
  core.charge(core.costs().work.rmap_link, Account::work);
}

void set_begin(System& system, Task& task, Vma& vma, PageNumber begin) {
  vma_start_write(task, *task.mm, vma);
  vma.pgoff += begin.value() - vma.begin.value(); // modulo 2^64, either way
  vma_adjust(system, task, *task.mm, vma, begin, vma.end);
}

// __vma_adjust() with `keeper` growing over `swallowed`, which are freed.
void grow_over(System& system, Task& task, Vma& keeper, PageNumber begin, PageNumber end,
               std::span<Vma* const> swallowed) {
  MmStruct& mm = *task.mm;
  for (Vma* const vma : swallowed)
    import_anon_vma(task.core(), keeper, *vma);
  update_reverse_map(task, keeper);
  task.core().settle();
  boost::container::static_vector<Vma, 2> gone;
  for (Vma* const vma : swallowed) {
    gone.push_back(*vma);
    vma_unlink(system, task, mm, *vma);
  }
  if (begin != keeper.begin) set_begin(system, task, keeper, begin);
  if (end != keeper.end) vma_adjust(system, task, mm, keeper, begin, end);
  for (const Vma& vma : gone) {
    unlink_from_reverse_map(system, task, vma);
    remove_vma(system, task, vma);
  }
}

// __vma_adjust() with the boundary of two neighbours going to `boundary`.
void shift_boundary(System& system, Task& task, Vma& lower, Vma& upper, PageNumber boundary) {
  const bool up = boundary > lower.end;
  import_anon_vma(task.core(), up ? lower : upper, up ? upper : lower);
  update_reverse_map(task, lower);
  update_reverse_map(task, upper);
  task.core().settle();
  MmStruct& mm = *task.mm;
  if (up) {
    set_begin(system, task, upper, boundary);
    vma_adjust(system, task, mm, lower, lower.begin, boundary);
  } else {
    vma_adjust(system, task, mm, lower, lower.begin, boundary);
    set_begin(system, task, upper, boundary);
  }
}

bool is_mergeable_anon_vma(const AnonVma* a, const AnonVma* b) {
  return a == nullptr || b == nullptr || a == b;
}

bool is_mergeable_vma(const Vma& vma, const WantedArea& wanted) {
  return vma.flags == wanted.flags && vma.file == wanted.file &&
         is_mergeable_anon_vma(vma.anon_vma, wanted.anon_vma);
}

bool can_vma_merge_after(const Vma& previous, const WantedArea& wanted) {
  return is_mergeable_vma(previous, wanted) && previous.pgoff + previous.pages() == wanted.pgoff;
}

bool can_vma_merge_before(const Vma& next, const WantedArea& wanted) {
  return is_mergeable_vma(next, wanted) && next.pgoff == wanted.pgoff + (wanted.end - wanted.begin);
}

} // namespace

Errno split_vma(System& system, Task& task, Vma& vma, PageNumber at, NewPart new_part) {
  MmStruct& mm = *task.mm;
  Vma part = vma;
  if (!vm_area_alloc(system, task.core(), part)) return Errno::enomem; // vm_area_dup()
  task.core().charge(task.core().costs().work.vma_dup, Account::work);
  const bool below = new_part == NewPart::below;
  if (below) {
    part.end = at;
  } else {
    part.begin = at;
    part.pgoff += at - vma.begin;
  }
  if (part.anon_vma != nullptr) part.anon_vma->link(task.core()); // anon_vma_clone()
  map_file(task, part);
  task.core().charge(task.core().costs().work.rmap_link, Account::work);
  task.core().settle();
  if (below)
    set_begin(system, task, vma, at);
  else
    vma_adjust(system, task, mm, vma, vma.begin, at);
  vma_link(system, task, mm, part);
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
      previous != nullptr && previous->end == wanted.begin && can_vma_merge_after(*previous, wanted);
  const bool above = next != nullptr && next->begin == wanted.end && can_vma_merge_before(*next, wanted);
  if (below && above && is_mergeable_anon_vma(previous->anon_vma, next->anon_vma)) { // cases 1, 6
    Vma* const both[] = {area, next};
    grow_over(system, task, *previous, previous->begin, next->end,
              std::span<Vma* const>(both).subspan(area == next ? 1 : 0));
    return previous;
  }
  if (below) {
    if (area != nullptr && area->begin < wanted.end && wanted.end < area->end) // case 5
      shift_boundary(system, task, *previous, *area, wanted.end);
    else // cases 2, 7
      grow_over(system, task, *previous, previous->begin, wanted.end,
                std::span<Vma* const>(&area, area != nullptr && area->begin < wanted.end ? 1 : 0));
    return previous;
  }
  if (!above) return nullptr;
  if (previous != nullptr && wanted.begin < previous->end) // case 4
    shift_boundary(system, task, *previous, *next, wanted.begin);
  else // cases 3, 8
    grow_over(system, task, *next, wanted.begin, next->end,
              std::span<Vma* const>(&area, area != next ? 1 : 0));
  return next;
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
  update_reverse_map(task, vma);
  task.core().settle();
  vma_adjust(system, task, *task.mm, vma, vma.begin, end);
}

void map_file(Task& task, const Vma& vma) {
  if (vma.file == nullptr) return;
  vma.file->get(task.core());
  vma.file->link_area(task);
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
    if (!vm_area_alloc(system, task.core(), area)) {
      if (area.has(VM_ACCOUNT)) system.overcommit.vm_unacct_memory(task.core(), pages);
      return Errno::enomem;
    }
    vma_link(system, task, area);
  }
  mm.total_vm += static_cast<std::int64_t>(pages); // vm_stat_account()
  return Errno::ok;
}

Vma& vma_link(System& system, Task& task, const Vma& vma) {
  map_file(task, vma);
  return vma_link(system, task, *task.mm, vma);
}

void unlink_from_reverse_map(System& system, Task& task, const Vma& gone) {
  anon_vma_unlink(system, task.core(), gone);
  if (gone.file != nullptr) gone.file->unlink_area(task);
}

void remove_vma(System& system, Task& task, const Vma& gone) {
  if (gone.file != nullptr) gone.file->put(task.core());
  vm_area_free(system, task.core(), gone);
}

} // namespace mmsim
