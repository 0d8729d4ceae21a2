#include "models/operations/gup.hpp"

#include "models/operations/fault.hpp"
#include "models/operations/gather.hpp"

#include <algorithm>
#include <array>

namespace mmsim {

namespace {

bool permits(Pte entry, AccessKind kind) {
  return entry.valid() && (kind == AccessKind::read || entry.writable()); // FOLL_WRITE
}

/// put_compound_head() of a pin.
void unpin(System& system, Core& core, FrameNumber frame) {
  core.charge(core.costs().work.page_unref, Account::work);
  core.settle(); // others look at how many references are left
  system.pages[frame].refcount -= gup_pin_counting_bias - 1;
  put_page(system, core, frame);
}

/// atomic_set(&mm->has_pinned, 1).
void note_pinned(System& system, Core& core, MmStruct& mm) {
  if (!system.parameters.write_protect_seq) return;
  core.write(mm.write_protect_seq.line());
  mm.has_pinned = true;
}

/// gup_pte_range(): [page, end) lies in `table`. False if it had to stop.
bool gup_pte_range(System& system, Core& core, const TablePage& table, PageNumber page, PageNumber end,
                   AccessKind kind, std::vector<FrameNumber>& pages) {
  const WorkCosts& work = core.costs().work;
  const Duration step = work.pte_scan + work.page_ref;
  std::array<Pte, 128> seen;
  const std::uint64_t bulk = std::min<std::uint64_t>(seen.size(), system.steps_in_quantum(step));
  while (page < end) {
    core.settle();
    const PageNumber first = page, stop = std::min(end, page + bulk);
    for (; page < stop; ++page) {
      const Pte entry = table.words[page.value() & 511];
      if (!permits(entry, kind) || entry.special()) break;
      system.pages[entry.frame()].refcount += gup_pin_counting_bias; // try_grab_compound_head()
      seen[page - first] = entry;
    }
    core.charge(static_cast<std::int64_t>(page - first) * step, Account::work);
    core.settle();
    PageNumber same = first;
    for (; same < page && table.words[same.value() & 511].word() == seen[same - first].word(); ++same)
      pages.push_back(seen[same - first].frame());
    for (PageNumber changed = same; changed < page; ++changed)
      unpin(system, core, seen[changed - first].frame());
    if (same < stop) return false;
  }
  return true;
}

void gup_pgd_range(System& system, Core& core, MmStruct& mm, PageNumber page, PageNumber end, AccessKind kind,
                   std::vector<FrameNumber>& pages) {
  while (page < end) {
    const PageNumber next = std::min(end, PageNumber((page.value() | 511) + 1));
    core.charge((mm.tables.shape().levels - 1) * core.costs().work.table_walk_level, Account::work);
    core.settle();
    const TablePage* table = mm.tables.leaf(page);
    if (table == nullptr || !gup_pte_range(system, core, *table, page, next, kind, pages)) return;
    page = next;
  }
}

void lockless_pages_from_mm(System& system, Core& core, MmStruct& mm, PageNumber first, PageNumber end,
                            AccessKind kind, std::vector<FrameNumber>& pages) {
  if (!system.parameters.fast_gup) return;
  const bool counted = system.parameters.write_protect_seq;
  std::uint32_t sequence = 0;
  if (counted) {
    sequence = mm.write_protect_seq.raw_read_seqcount(core);
    if ((sequence & 1) != 0) return;
  }
  core.irq_disable();
  gup_pgd_range(system, core, mm, first, end, kind, pages);
  core.irq_enable();
  // fork may have looked at a page before we pinned it, and write-protected it after.
  if (counted && mm.write_protect_seq.read_seqcount_retry(core, sequence))
    unpin_user_pages(system, core, pages);
}

/// follow_page_pte(): pins the page if its entry permits the access.
bool follow_page(System& system, Core& core, MmStruct& mm, PageNumber page, AccessKind kind,
                 std::vector<FrameNumber>& pages) {
  core.charge((mm.tables.shape().levels - 1) * core.costs().work.table_walk_level, Account::work);
  core.settle();
  TablePage* table = mm.tables.leaf(page);
  if (table == nullptr) return false;
  SpinLock& lock = system.pte_lock(mm, *table);
  lock.lock(core);
  core.settle();
  const Pte entry = table->words[mm.tables.index(page, 0)];
  const bool found = permits(entry, kind);
  if (found) {
    system.pages[entry.frame()].refcount += gup_pin_counting_bias; // try_grab_page()
    core.charge(core.costs().work.page_ref, Account::work);
    pages.push_back(entry.frame());
  }
  lock.unlock(core);
  return found;
}

/// Whether a fault came to something.
bool faultin_page(FaultKind outcome) {
  return outcome != FaultKind::out_of_memory && outcome != FaultKind::bus_error;
}

/// get_user_pages_unlocked() -> __get_user_pages(). Stops at what it has if memory runs out or the task is
/// killed.
void get_user_pages_unlocked(System& system, Task& task, PageNumber page, PageNumber end, AccessKind kind,
                             std::vector<FrameNumber>& pages) {
  MmStruct& mm = *task.mm;
  mm.mmap_lock.down_read(task);
  note_pinned(system, task.core(), mm);
  bool goes_on = true;
  for (Vma* vma = nullptr; goes_on && page < end; ++page) {
    if (vma == nullptr || vma->end <= page) vma = find_vma_for(system, task, page, kind); // find_extend_vma()
    goes_on = vma != nullptr && !task.killed; // -EFAULT, fatal_signal_pending()
    while (goes_on && !follow_page(system, task.core(), mm, page, kind, pages))
      goes_on = faultin_page(handle_mm_fault(system, task, mm, *vma, page, kind)) && !task.killed;
  }
  mm.mmap_lock.up_read(task);
}

} // namespace

PinPath pin_user_pages_fast(System& system, Task& task, PageNumber first, std::uint64_t count,
                            AccessKind kind, std::vector<FrameNumber>& pages) {
  Core& core = task.core();
  const PageNumber end = first + count;
  pages.clear();
  core.charge(core.costs().entry.syscall, Account::entry);
  note_pinned(system, core, *task.mm);
  lockless_pages_from_mm(system, core, *task.mm, first, end, kind, pages);
  PinPath path = pages.size() == count ? PinPath::fast : PinPath::slow;
  if (path == PinPath::slow) get_user_pages_unlocked(system, task, first + pages.size(), end, kind, pages);
  if (pages.size() < count) {
    path = PinPath::failed;
    unpin_user_pages(system, task.core(), pages); // the driver's error path
  } else {
    system.counters.add(path == PinPath::fast ? Counter::gup_fast : Counter::gup_slow);
  }
  if (task.killed) unpin_user_pages(system, task.core(), pages); // its file is closed
  return_to_user_mode(system, task);
  return path;
}

void unpin_user_pages(System& system, Core& core, std::vector<FrameNumber>& pages) {
  for (const FrameNumber frame : pages)
    unpin(system, core, frame);
  pages.clear();
}

} // namespace mmsim
