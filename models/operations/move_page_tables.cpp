#include "models/operations/move_page_tables.hpp"

#include "models/address_space/content_stamps.hpp"
#include "models/operations/page_tables.hpp"
#include "models/reclaim/file.hpp"

#include <algorithm>

namespace mmsim {

namespace {

// The two ends of a move that crosses no table's end on either side.
struct Move {
  TablePage& old_table;
  TablePage& new_table;
  PageNumber from, to;
  std::uint64_t pages;
  std::size_t old_index(std::uint64_t i) const { return (from + i).value() & 511; }
  std::size_t new_index(std::uint64_t i) const { return (to + i).value() & 511; }
};

Pte moved(Pte old, Pte there) {
  if (old.is_swap()) return there.swapped(old.swap_entry(), old.swp_exclusive());
  const Pte now = there.mapped(old.frame(), old.flags() & ~std::uint64_t{pte_valid | pte_none});
  return old.valid() ? now : now.prot_none();
}

// Where the reverse map keeps the entry itself, it must follow.
void follow(System& system, Core& core, MmStruct& mm, const Move& move, std::uint64_t i, Pte entry) {
  if (!system.rmap->tracks_entries() || entry.special() || entry.is_swap()) return;
  const PageNumber page = move.to + i;
  system.rmap->page_move(core, entry.frame(), move.old_table, move.old_index(i),
                         {mm, *mm.vmas.find(page), page, move.new_table, move.new_index(i)});
}

// 2.6.24: each entry is flushed before it is set again.
void move_each_flushed(System& system, Core& core, MmStruct& mm, const Move& move) {
  const WorkCosts& work = core.costs().work;
  for (std::uint64_t i = 0; i < move.pages; ++i) {
    system.before_entries_change(core);
    const Pte old = move.old_table.words[move.old_index(i)];
    if (old.none()) {
      core.charge(work.pte_scan, Account::work);
      continue;
    }
    PageTable::set(move.old_table, move.old_index(i), old.cleared()); // ptep_clear_flush()
    if (system.pages.stamps != nullptr) system.pages.stamps->moved(mm, move.from + i, move.to + i);
    system.oracle.entry_changed(mm, move.from + i, move.from + i + 1);
    core.charge(work.pte_clear, Account::work);
    system.flusher.flush_page(core, mm, move.from + i);
    core.settle();
    follow(system, core, mm, move, i, old);
    PageTable::set(move.new_table, move.new_index(i), moved(old, move.new_table.words[move.new_index(i)]));
    core.charge(work.pte_set, Account::work);
  }
}

// 5.10: one flush in the end.
void move_then_flush(System& system, Core& core, MmStruct& mm, const Move& move) {
  const WorkCosts& work = core.costs().work;
  const bool tracks = system.rmap->tracks_entries();
  const std::uint64_t bulk = tracks ? 1 : system.steps_in_quantum(work.pte_clear + work.pte_set);
  bool force_flush = false;
  for (std::uint64_t i = 0; i < move.pages;) {
    system.before_entries_change(core);
    const std::uint64_t first = i, stop = std::min(move.pages, i + bulk);
    std::int64_t changed = 0;
    bool present = false;
    for (; i < stop; ++i) {
      const Pte old = move.old_table.words[move.old_index(i)];
      if (old.none()) continue;
      PageTable::set(move.old_table, move.old_index(i), old.cleared());
      PageTable::set(move.new_table, move.new_index(i), moved(old, move.new_table.words[move.new_index(i)]));
      if (system.pages.stamps != nullptr) system.pages.stamps->moved(mm, move.from + i, move.to + i);
      ++changed;
      present = present || old.present();
    }
    if (present) system.oracle.entry_changed(mm, move.from + first, move.from + stop);
    if (tracks && present) follow(system, core, mm, move, first, move.new_table.words[move.new_index(first)]);
    force_flush = force_flush || present;
    core.charge((static_cast<std::int64_t>(stop - first) - changed) * work.pte_scan +
                    changed * (work.pte_clear + work.pte_set),
                Account::work);
  }
  if (force_flush) system.flusher.flush_range(core, mm, move.from, move.from + move.pages, false);
}

// take_rmap_locks() and drop_rmap_locks(); 2.6.24, whose prio_tree has no order of areas, takes a file's i_mmap_lock for
// every move, and none of an anon_vma's, whose list shows the old area first.
class RmapLocks {
 public:
  RmapLocks(System& system, Task& task, Vma& vma, bool need)
      : system_(system), task_(task), vma_(vma),
        file_((need || system.parameters.mremap_rmap_locks == "file") && vma.file != nullptr),
        anon_(need && system.parameters.mremap_rmap_locks != "file") {
    if (file_) vma_.file->i_mmap_lock_write(task_);
    if (anon_) system_.rmap->take_rmap_lock(task_, vma_);
  }
  void drop() {
    if (anon_) system_.rmap->drop_rmap_lock(task_, vma_);
    if (file_) vma_.file->i_mmap_unlock_write(task_);
  }

 private:
  System& system_;
  Task& task_;
  Vma& vma_;
  const bool file_, anon_;
};

void move_ptes(System& system, Task& task, Vma& vma, const Move& move, bool need_rmap_locks) {
  RmapLocks rmap_locks(system, task, vma, need_rmap_locks);
  Core& core = task.core();
  MmStruct& mm = *task.mm;
  SpinLock& old_lock = system.pte_lock(mm, move.old_table);
  SpinLock& new_lock = system.pte_lock(mm, move.new_table);
  old_lock.lock(core);
  if (&new_lock != &old_lock) new_lock.lock_nested(core, 1); // mmap_lock keeps two moves apart
  system.flusher.flush_batched_pending(core, mm);
  if (system.parameters.mremap_flush == "page")
    move_each_flushed(system, core, mm, move);
  else
    move_then_flush(system, core, mm, move);
  if (&new_lock != &old_lock) new_lock.unlock(core);
  old_lock.unlock(core);
  rmap_locks.drop();
}

std::uint64_t to_end_of_table(PageNumber page) { return 512 - (page.value() & 511); }

} // namespace

std::uint64_t move_page_tables(System& system, Task& task, Vma& vma, PageNumber from, PageNumber to,
                               std::uint64_t pages, bool need_rmap_locks) {
  MmStruct& mm = *task.mm;
  const auto limit = static_cast<std::uint64_t>(system.parameters.mremap_latency_limit);
  std::uint64_t done = 0;
  while (done < pages) {
    Core& core = task.core();
    const std::uint64_t extent =
        std::min({pages - done, limit, to_end_of_table(from + done), to_end_of_table(to + done)});
    core.charge((mm.tables.shape().levels - 1) * core.costs().work.table_walk_level, Account::work);
    if (TablePage* const old_table = mm.tables.leaf(from + done)) {
      const std::optional<PteSlot> slot = alloc_pte(system, core, mm, to + done);
      if (!slot) break;
      move_ptes(system, task, vma, {*old_table, slot->table, from + done, to + done, extent},
                need_rmap_locks);
    }
    done += extent;
  }
  return done;
}

} // namespace mmsim
