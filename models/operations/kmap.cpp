#include "models/operations/kmap.hpp"

#include "models/operations/kernel_access.hpp"
#include "models/operations/page_tables.hpp"
#include "models/scheduler/wake_q.hpp"

#include <algorithm>
#include <stdexcept>

namespace mmsim {

void KmapParameters::declare(Declaration& d, KmapParameters& p) {
  d("kernel.last_pkmap", p.last_pkmap, 512, "addresses that kmap has for pages of high memory",
    "LAST_PKMAP of 32-bit Arm: PTRS_PER_PTE; x86 has 1024, with PAE 512")
      .at_least(2)
      .at_most(1024);
}

Kmap::Kmap(System& system)
    : system_(system),
      // Below what vmalloc takes of the kernel's own tables.
      first_(PageNumber(system.page_table_shape().end().value() / 2 - 1024)),
      lock_(system.locks.make("kmap_lock")),
      entries_(static_cast<std::size_t>(read_parameters<KmapParameters>(system.configuration()).last_pkmap)) {
}

bool Kmap::init(Core& core) {
  for (PageNumber page = first_; page < first_ + addresses(); page = page + TablePage::entries)
    if (!alloc_pte(system_, core, system_.init_mm(), page)) return false;
  return true;
}

std::optional<std::size_t> Kmap::page_address(FrameNumber frame) const {
  const auto found = numbers_.find(frame.value());
  if (found == numbers_.end() || entries_[found->second].epoch != system_.pages[frame].epoch)
    return std::nullopt;
  return found->second;
}

PageNumber Kmap::kmap(Task& task, FrameNumber frame) {
  lock_->lock(task.core());
  task.core().settle();
  const std::optional<std::size_t> known = page_address(frame);
  const std::size_t nr = known ? *known : map_new_virtual(task, frame);
  ++entries_[nr].count;
  lock_->unlock(task.core());
  return address(nr);
}

// With kmap_lock, which it drops where it has to sleep.
std::size_t Kmap::map_new_virtual(Task& task, FrameNumber frame) {
  for (std::size_t left = entries_.size();;) {
    Core& core = task.core();
    last_ = (last_ + 1) % entries_.size();
    if (last_ == 0) {
      flush_all_zero_pkmaps(core);
      left = entries_.size();
    }
    core.charge(core.costs().work.pte_scan, Account::work);
    if (entries_[last_].count == 0) break;
    if (--left > 0) continue;
    wait_for_address(task);
    if (const std::optional<std::size_t> known = page_address(frame))
      return *known; // somebody else was faster
    left = entries_.size();
  }
  Core& core = task.core();
  core.settle();
  MmStruct& init_mm = system_.init_mm();
  TablePage& table = *init_mm.tables.leaf(address(last_));
  const std::size_t index = init_mm.tables.index(address(last_), 0);
  PageTable::set(table, index, table.words[index].mapped(frame, pte_writable | pte_young | pte_dirty));
  core.charge(core.costs().work.pte_set, Account::work);
  entries_[last_] = {1, frame, system_.pages[frame].epoch};
  numbers_[frame.value()] = last_;
  return last_;
}

void Kmap::wait_for_address(Task& task) {
  const WaitFor whom(
      task.ledger, system_.machine.wait_names().id_of_literal(WaitKind::sleep, "an address of kmap's pool"));
  waiters_.push_back(&task);
  system_.scheduler.set_current_state(task); // kunmap() looks with kmap_lock held
  lock_->unlock(task.core());
  task.core().settle();
  system_.scheduler.block(task, Account::lock_sleep, this);
  lock_->lock(task.core());
  task.core().settle();
  std::erase(waiters_, &task);
}

void Kmap::flush_all_zero_pkmaps(Core& core) {
  MmStruct& init_mm = system_.init_mm();
  ++rounds_;
  system_.before_entries_change(core);
  std::int64_t cleared = 0;
  for (std::size_t nr = 0; nr < entries_.size(); ++nr) {
    Entry& entry = entries_[nr];
    if (entry.count != 1) continue;
    entry.count = 0;
    TablePage& table = *init_mm.tables.leaf(address(nr));
    const std::size_t index = init_mm.tables.index(address(nr), 0);
    PageTable::set(table, index, table.words[index].cleared());
    system_.oracle.entry_changed(init_mm, address(nr), address(nr) + 1);
    const auto number = numbers_.find(entry.frame.value());
    if (number != numbers_.end() && number->second == nr) numbers_.erase(number);
    ++cleared;
  }
  core.charge(static_cast<std::int64_t>(entries_.size()) * core.costs().work.pte_scan +
                  cleared * core.costs().work.pte_clear,
              Account::work);
  core.settle();
  system_.flusher.flush_kernel_range(core, init_mm, first_, first_ + addresses());
}

void Kmap::kunmap(Core& core, FrameNumber frame) {
  WakeQ wake_q;
  lock_->lock(core);
  core.settle();
  const std::optional<std::size_t> nr = page_address(frame);
  if (!nr || entries_[*nr].count < 2) throw std::logic_error("kunmap of a page that nobody has mapped");
  if (--entries_[*nr].count == 1)
    for (Task* const waiter : waiters_)
      wake_q.add(*waiter);
  lock_->unlock(core);
  wake_q.wake_up(system_.scheduler, core);
}

void Kmap::access(Core& core, PageNumber page) { access_kernel_page(system_, core, page); }

} // namespace mmsim
