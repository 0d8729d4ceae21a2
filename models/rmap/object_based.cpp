#include "models/rmap/object_based.hpp"

#include "models/system.hpp"

#include <spdlog/fmt/fmt.h>

namespace mmsim {

ObjectBasedMap::ObjectBasedMap(System& system)
    : ReverseMap(system), wide_(read_parameters<SlabParameters>(system.configuration()).version != "bufctl") {
}

AnonVma* ObjectBasedMap::anon_vma_of(FrameNumber frame) const {
  return static_cast<AnonVma*>(system_.pages.links(frame).rmap);
}

Walk ObjectBasedMap::visit_area(Task& task, FrameNumber frame, Vma& vma, std::uint64_t pgoff,
                                FunctionRef<Walk(const Mapping&)> visit) {
  Core& core = task.core();
  const WorkCosts& work = core.costs().work;
  system_.counters.add(Counter::rmap_visits);
  core.charge(work.rmap_visit, Account::work);
  if (pgoff < vma.pgoff || pgoff - vma.pgoff >= vma.pages()) return Walk::go_on; // vma_address()
  MmStruct& mm = *vma.mm;
  const PageNumber page = vma.begin + (pgoff - vma.pgoff);
  core.charge((mm.tables.shape().levels - 1) * work.table_walk_level, Account::work);
  core.settle();
  TablePage* const table = mm.tables.leaf(page);
  const std::size_t index = mm.tables.index(page, 0);
  if (table == nullptr || !table->words[index].present()) return Walk::go_on;
  SpinLock& lock = system_.pte_lock(mm, *table);
  lock.lock(core);
  core.settle();
  const Pte entry = table->words[index];
  Walk outcome = Walk::go_on;
  if (entry.present() && !entry.special() && entry.frame() == frame)
    outcome = visit(Mapping{mm, vma, page, *table, index});
  core.settle();
  lock.unlock(core);
  return system_.pages[frame].mapcount == 0 ? Walk::stop : outcome;
}

void ObjectBasedMap::for_each_mapping(Task& task, FrameNumber frame,
                                      FunctionRef<Walk(const Mapping&)> visit) {
  task.core().settle();
  if (system_.pages[frame].mapcount == 0) return;
  if ((system_.pages[frame].flags & PG_file) != 0) {
    const CachedPage* const cached = system_.pages.links(frame).cached;
    File* const file = cached != nullptr ? cached->mapping : nullptr;
    if (file == nullptr) return; // truncated
    const std::uint64_t pgoff = cached->index;
    file->i_mmap_lock_read(task);
    file->for_each_area(pgoff,
                        [&](Vma& vma) { return visit_area(task, frame, vma, pgoff, visit) == Walk::go_on; });
    file->i_mmap_unlock_read(task);
    return;
  }
  AnonVma* const anon_vma = anon_vma_of(frame);
  if (anon_vma == nullptr || !lock_for_walk(task, *anon_vma, frame)) return;
  const std::uint64_t pgoff = system_.pages.links(frame).index;
  for_each_area(*anon_vma, pgoff, [&](Vma& vma) { return visit_area(task, frame, vma, pgoff, visit); });
  unlock_after_walk(task, *anon_vma);
}

AnonVma* ObjectBasedMap::find_mergeable_anon_vma(MmStruct& mm, Vma& vma) const {
  constexpr std::uint32_t access = VM_READ | VM_WRITE | VM_EXEC;
  const auto compatible = [](const Vma& lower, const Vma& upper) { // anon_vma_compatible()
    return lower.end == upper.begin && lower.file == upper.file &&
           ((lower.flags ^ upper.flags) & ~access) == 0 && lower.pgoff + lower.pages() == upper.pgoff;
  };
  if (const Vma* const next = mm.vmas.next(vma); next != nullptr && compatible(vma, *next))
    if (AnonVma* const found = reusable_anon_vma(*next)) return found;
  if (const Vma* const previous = mm.vmas.previous(vma); previous != nullptr && compatible(*previous, vma))
    return reusable_anon_vma(*previous);
  return nullptr;
}

std::uint64_t ObjectBasedMap::bytes() const {
  const std::uint64_t of_area =
      word() * (wide_ ? 1 + 2 + 4 : 1 + 2 + 5); // the node: 5.10's, or a prio_tree's with raw
  return system_.pages.managed_frames() * 4 + system_.slabs.vm_area_struct.in_use() * of_area +
         system_.slabs.anon_vma.in_use() * system_.slabs.anon_vma.geometry().size;
}

void ObjectBasedMap::check_mapping(FrameNumber frame, const Mapping& mapping) const {
  const auto wrong = [&](const char* what) {
    throw Violation(
        fmt::format("frame {}, which mm {} maps at page {:#x}: the reverse map would not find it there, {}",
                    frame.value(), mapping.mm.id, mapping.page.value(), what));
  };
  const PageLinks& links = system_.pages.links(frame);
  if ((system_.pages[frame].flags & PG_file) != 0) {
    if (links.cached == nullptr || links.cached->mapping == nullptr) return; // truncated
    if (mapping.vma.file != links.cached->mapping || !mapping.vma.shared.linked())
      wrong("its area is not among its file's");
    if (mapping.vma.shared.first != mapping.vma.pgoff || mapping.vma.shared.last != mapping.vma.last_pgoff())
      wrong("its file knows its area by other ends");
    if (links.cached->index != mapping.pgoff()) wrong("its index is another one");
    return;
  }
  if (links.rmap == nullptr) wrong("it names no anon_vma");
  if (links.index != mapping.pgoff()) wrong("its index is another one");
  if (!is_linked(mapping.vma, *anon_vma_of(frame))) wrong("its area is not among its anon_vma's");
}

void ObjectBasedMap::account_for(const KmemCache& cache, std::uint64_t found) {
  if (cache.in_use() != found)
    throw Violation(fmt::format("{}: {} objects are in use, but {} can be found", cache.info().name,
                                cache.in_use(), found));
}

} // namespace mmsim
