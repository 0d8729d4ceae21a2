#include "models/operations/mprotect.hpp"

#include "models/operations/page_tables.hpp"
#include "models/operations/user.hpp"
#include "models/operations/vma_adjust.hpp"
#include "models/operations/vma_lock.hpp"
#include "models/pages/struct_page_miss.hpp"

#include <algorithm>

namespace mmsim {

namespace {

// vm_page_prot, whether dirty pages of a shared area may keep the permission to write (MM_CP_DIRTY_ACCT, since 6.0
// can_change_pte_writable()), and what private pages must be to get it (MM_CP_TRY_CHANGE_WRITABLE, since 6.0).
struct PageProtection {
  bool none, dirty_accountable, upgrades, upgrades_clean;
  PageProtection(const Vma& vma, const KernelParameters& kernel)
      : none((vma.flags & (VM_READ | VM_WRITE | VM_EXEC)) == 0),
        dirty_accountable(vma.has(VM_WRITE) && vma.has(VM_SHARED)), // vma_wants_writenotify()
        upgrades(kernel.mprotect_upgrade != "never" && vma.has(VM_WRITE) && vma.is_private()),
        upgrades_clean(kernel.mprotect_upgrade == "exclusive") {}
};

// From the first to the last entry of a kind; of those that a flush must cover: mmu_gather's start and end.
struct ChangedRange {
  PageNumber begin{~std::uint64_t{0}}, end{0};
  void add(PageNumber page) {
    begin = std::min(begin, page);
    end = std::max(end, page + 1);
  }
  bool empty() const { return begin >= end; }
};

// can_change_pte_writable() of a private area, with the struct page that it has to look at: `met` is the last one.
bool can_change_private(System& system, Core& core, Pte old, PageProtection protection, FrameNumber& met,
                        Duration& misses) {
  if (!protection.upgrades || old.special() || (!old.dirty() && !protection.upgrades_clean)) return false;
  const Frame& frame = system.pages[old.frame()];
  if (!in_a_row(old.frame(), met)) misses += struct_page_miss(core, frame);
  met = old.frame();
  return (frame.flags & PG_anon_exclusive) != 0;
}

Pte pte_modify(Pte old, PageProtection protection, bool upgrade) {
  std::uint64_t flags = old.flags() & (pte_young | pte_dirty | pte_special);
  if (upgrade || (protection.dirty_accountable && old.dirty())) flags |= pte_writable;
  const Pte now = old.mapped(old.frame(), flags);
  return protection.none ? now.prot_none() : now;
}

// Returns how many present entries there were.
std::uint64_t change_pte_range(System& system, Core& core, MmStruct& mm, TablePage& table, PageNumber begin,
                               PageNumber end, PageProtection protection, ChangedRange& gathered) {
  const WorkCosts& work = core.costs().work;
  SpinLock& lock = system.pte_lock(mm, table);
  lock.lock(core);
  system.flusher.flush_batched_pending(core, mm);
  std::uint64_t pages = 0;
  FrameNumber met = no_frame;
  const std::uint64_t bulk = system.steps_in_quantum(work.pte_clear + work.pte_set);
  for (PageNumber page = begin; page < end;) {
    const PageNumber first = page, stop = std::min(end, page + bulk);
    system.before_entries_change(core);
    std::int64_t changed = 0;
    ChangedRange narrower;
    Duration misses{};
    for (; page < stop; ++page) {
      const std::size_t index = page.value() & 511;
      const Pte old = table.words[index];
      if (!old.present()) continue; // swap entries stay as they are
      const bool upgrade = can_change_private(system, core, old, protection, met, misses);
      const Pte now = pte_modify(old, protection, upgrade);
      PageTable::set(table, index, now);
      gathered.add(page); // tlb_flush_pte_range()
      if ((old.valid() && !now.valid()) || (old.writable() && !now.writable())) narrower.add(page);
      ++changed;
    }
    if (!narrower.empty()) system.oracle.entry_changed(mm, narrower.begin, narrower.end);
    core.charge((static_cast<std::int64_t>(stop - first) - changed) * work.pte_scan +
                    changed * (work.pte_clear + work.pte_set),
                Account::work);
    if (misses.count() != 0) core.charge(misses, Account::coherence, system.pages.struct_page());
    pages += static_cast<std::uint64_t>(changed);
  }
  lock.unlock(core);
  return pages;
}

void change_protection(System& system, Core& core, MmStruct& mm, PageNumber begin, PageNumber end,
                       PageProtection protection) {
  std::uint64_t pages = 0;
  ChangedRange gathered;
  for_each_table(core, mm.tables, begin, end, [&](TablePage& table, PageNumber first, PageNumber last) {
    pages += change_pte_range(system, core, mm, table, first, last, protection, gathered);
    return true;
  });
  if (pages == 0 && system.parameters.mprotect_flush != "always") return;
  if (system.parameters.mprotect_flush == "gathered")
    system.flusher.flush_range(core, mm, gathered.begin, gathered.end, false); // tlb_end_vma()
  else
    system.flusher.flush_range(core, mm, begin, end, false);
}

// [begin, end) of `vma` gets `flags`. `previous` is the area before it, on return the one that [begin, end)
// is in.
Errno mprotect_fixup(System& system, Task& task, Vma* vma, Vma*& previous, PageNumber begin, PageNumber end,
                     std::uint32_t flags) {
  MmStruct& mm = *task.mm;
  if (flags == vma->flags) {
    previous = vma;
    return Errno::ok;
  }
  std::uint64_t charged = 0;
  if ((flags & VM_WRITE) != 0 && (vma->flags & (VM_ACCOUNT | VM_WRITE | VM_SHARED | VM_NORESERVE)) == 0) {
    charged = end - begin;
    if (!system.overcommit.vm_enough_memory(task.core(), mm, charged)) return Errno::enomem;
    flags |= VM_ACCOUNT;
  }
  if (const Errno error = vma_modify(system, task, vma, previous, begin, end, flags); error != Errno::ok) {
    if (charged > 0) system.overcommit.vm_unacct_memory(task.core(), charged);
    return error;
  }
  previous = vma;
  vma_start_write(task, mm, *vma);
  vma->flags = flags;
  change_protection(system, task.core(), mm, begin, end, PageProtection(*vma, system.parameters));
  return Errno::ok;
}

// With mmap_lock held for writing.
Errno do_mprotect(System& system, Task& task, PageNumber first, PageNumber end, std::uint32_t prot) {
  MmStruct& mm = *task.mm;
  Vma* vma = find_vma(task, mm, first);
  if (vma == nullptr || first < vma->begin) return Errno::enomem;
  Vma* previous = vma->begin < first ? vma : mm.vmas.previous(*vma);
  for (PageNumber begin = first;;) {
    const std::uint32_t flags =
        calc_vm_prot_bits(prot) | (vma->flags & ~std::uint32_t{VM_READ | VM_WRITE | VM_EXEC});
    const Errno error = mprotect_fixup(system, task, vma, previous, begin, std::min(vma->end, end), flags);
    if (error != Errno::ok) return error;
    begin = previous->end;
    if (end <= begin) return Errno::ok;
    vma = mm.vmas.next(*previous);
    if (vma == nullptr || vma->begin != begin) return Errno::enomem; // a hole
  }
}

} // namespace

Errno mprotect(System& system, Task& task, PageNumber first, std::uint64_t pages, std::uint32_t prot) {
  const EntryCosts& entry = task.core().costs().entry;
  const WorkCosts& work = task.core().costs().work;
  task.core().charge(entry.syscall, Account::entry);
  Errno error = Errno::ok;
  if ((prot & ~std::uint32_t{PROT_READ | PROT_WRITE | PROT_EXEC}) != 0) {
    error = Errno::einval;
  } else if (pages > ~std::uint64_t{0} - first.value()) {
    error = Errno::enomem; // end <= start
  } else if (pages > 0) {
    task.mm->mmap_lock.down_write(task);
    task.core().charge(work.mprotect, Account::work);
    error = do_mprotect(system, task, first, first + pages, prot);
    task.mm->mmap_lock.up_write(task);
  }
  if (error != Errno::ok) failed(task, error, "mprotect", first, pages);
  return_to_user_mode(system, task);
  return error;
}

} // namespace mmsim
