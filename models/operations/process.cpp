#include "models/operations/process.hpp"

#include "models/operations/anon_vma.hpp"
#include "models/operations/gather.hpp"
#include "models/operations/gup.hpp"
#include "models/operations/page_tables.hpp"

#include <algorithm>
#include <utility>

namespace mmsim {

void Completion::wait(System& system, Task& task) {
  task.core().settle();
  while (!done_) {
    waiter_ = &task;
    system.scheduler.set_current_state(task);
    system.scheduler.block(task, Account::schedule, this);
    waiter_ = nullptr;
  }
}

void Completion::complete(System& system, Core& core) {
  core.settle();
  done_ = true;
  if (waiter_ != nullptr) system.scheduler.wake(core, *waiter_);
}

Task& spawn_process_at_boot(System& system, std::string name, CoreId on, std::function<void(Task&)> body) {
  return system.scheduler.spawn_at_boot(std::move(name), &system.new_mm(), on, std::move(body));
}

Task& spawn_thread_at_boot(System& system, std::string name, MmStruct& mm, CoreId on,
                           std::function<void(Task&)> body) {
  mm.users.count_at_boot();
  return system.scheduler.spawn_at_boot(std::move(name), &mm, on, std::move(body));
}

Task& spawn_kthread_at_boot(System& system, std::string name, CoreId on, std::function<void(Task&)> body) {
  return system.scheduler.spawn_at_boot(std::move(name), nullptr, on, std::move(body), Fiber::Kind::daemon);
}

namespace {

// copy_present_page() with a page at hand: the child gets a copy, as writable as the area is, and the
// parent's entry stays as it is.
void copy_present_page(System& system, Core& core, MmStruct& child, const Vma& vma, const PteSlot& target,
                       FrameNumber pinned, FrameNumber copy) {
  const WorkCosts& work = core.costs().work;
  system.copy_page(core, pinned);
  system.pages[copy].mapcount = 1; // page_add_new_anon_rmap()
  ++child.rss;
  PageTable::set(target.table, target.index, target.entry().mapped(copy, vma.writable)); // maybe_mkwrite()
  core.charge(work.page_ref + work.pte_set, Account::work);
}

// copy_pte_range(): `table` is the parent's, [begin, end) lies in it.
void copy_pte_range(System& system, Core& core, MmStruct& parent, MmStruct& child, const Vma& vma,
                    TablePage& table, PageNumber begin, PageNumber end) {
  const WorkCosts& work = core.costs().work;
  const PteSlot target = alloc_pte(system, core, child, begin);
  SpinLock& child_lock = system.pte_lock(child, target.table);
  SpinLock& parent_lock = system.pte_lock(parent, table);
  child_lock.lock(core);
  parent_lock.lock_nested(core, 1); // SINGLE_DEPTH_NESTING: the child is not yet anybody else's
  bool any_pinned = false;
  if (system.parameters.write_protect_seq) {
    core.read(parent.write_protect_seq.line());
    any_pinned = parent.has_pinned;
  }
  FrameNumber prealloc = no_frame;
  const std::uint64_t bulk = system.steps_in_quantum(work.pte_copy + work.page_ref + work.pte_wrprotect);
  for (PageNumber page = begin; page < end;) {
    const PageNumber first = page;
    const PageNumber stop = std::min(end, page + bulk);
    system.before_entries_change(core);
    std::int64_t copied = 0, protected_ = 0;
    Pte pinned;
    for (; page < stop; ++page) {
      const std::size_t index = page.value() & 511;
      const Pte entry = table.words[index];
      if (!entry.valid()) continue;
      Frame& frame = system.pages[entry.frame()];
      if (any_pinned && page_maybe_dma_pinned(frame)) {
        pinned = entry;
        break;
      }
      if (entry.writable()) { // ptep_set_wrprotect()
        table.words[index] = entry.with_writable(false);
        ++protected_;
      }
      ++frame.refcount; // get_page()
      ++frame.mapcount; // page_dup_rmap()
      PageTable::set(target.table, index, target.table.words[index].mapped(entry.frame(), false));
      ++copied;
    }
    child.rss += copied;
    if (protected_ > 0) system.oracle.entry_changed(parent, first, page);
    core.charge((static_cast<std::int64_t>(page - first) - copied) * work.pte_scan +
                    copied * (work.pte_copy + work.page_ref) + protected_ * work.pte_wrprotect,
                Account::work);
    if (!pinned.valid()) continue;
    if (prealloc != no_frame) {
      copy_present_page(system, core, child, vma, {target.table, page.value() & 511}, pinned.frame(),
                        std::exchange(prealloc, no_frame));
      ++page;
      continue;
    }
    parent_lock.unlock(core);
    child_lock.unlock(core);
    prealloc = system.alloc_page_or_give_up(core); // page_copy_prealloc()
    child_lock.lock(core);
    parent_lock.lock_nested(core, 1); // and the same page again, which may be pinned no longer
  }
  parent_lock.unlock(core);
  child_lock.unlock(core);
  if (prealloc != no_frame) put_page(system, core, prealloc);
}

void copy_page_range(System& system, Core& core, MmStruct& parent, MmStruct& child, const Vma& vma) {
  // All areas here are private, so all are to be copied on write.
  const bool counted = system.parameters.write_protect_seq;
  if (counted) parent.write_protect_seq.raw_write_seqcount_begin(core);
  for (PageNumber page = vma.begin; page < vma.end;) {
    const PageNumber next = std::min(vma.end, PageNumber((page.value() | 511) + 1));
    core.charge((parent.tables.shape().levels - 1) * core.costs().work.table_walk_level, Account::work);
    if (TablePage* table = parent.tables.leaf(page); table != nullptr && table->live > 0)
      copy_pte_range(system, core, parent, child, vma, *table, page, next);
    page = next;
  }
  if (counted) parent.write_protect_seq.raw_write_seqcount_end(core);
}

void dup_mmap(System& system, Task& task, MmStruct& parent, MmStruct& child) {
  parent.mmap_lock.down_write(task);
  child.mmap_lock.down_write_nested(task, 1); // nobody else knows the child yet
  const WorkCosts& work = task.core().costs().work;
  for (auto& [begin, vma] : parent.vmas) {
    Vma copy = vma;
    copy.object = system.alloc_object_or_give_up(task.core(), system.slabs.vm_area_struct); // vm_area_dup()
    Core& core = task.core();
    core.charge(work.vma_dup, Account::work);
    if (copy.anon_vma != nullptr) copy.anon_vma->link(core);
    core.charge(work.rmap_link + work.vma_insert, Account::work);
    child.vmas.insert(copy);
    copy_page_range(system, core, parent, child, vma);
  }
  child.mmap_lock.up_write(task);
  system.flusher.flush_mm(task.core(), parent, false);
  parent.mmap_lock.up_write(task);
}

} // namespace

Task& fork(System& system, Task& task, CoreId on, std::function<void(Task&)> body) {
  const WorkCosts& work = task.core().costs().work;
  task.core().charge(task.core().costs().entry.syscall, Account::entry);
  task.core().charge(work.task_create, Account::work);
  const SlabObject files = system.alloc_object_or_give_up(task.core(), system.slabs.files); // copy_files()
  const SlabObject object =
      system.alloc_object_or_give_up(task.core(), system.slabs.mm_struct); // allocate_mm()
  task.core().charge(work.mm_create, Account::work);
  task.core().settle();
  MmStruct& child = system.new_mm(object);
  alloc_root(system, task.core(), child);
  dup_mmap(system, task, *task.mm, child);
  return system.scheduler.spawn(task.core(), task.name + "'s child", &child, on, std::move(body),
                                Fiber::Kind::worker, files);
}

namespace {

// exit_mmap(): everything goes; nobody uses the address space any more, but cores may still have it loaded
// lazily.
void exit_mmap(System& system, Core& core, MmStruct& mm) {
  MmuGather gather(system, mm, true);
  for (auto& [begin, vma] : mm.vmas)
    gather.zap(core, vma.begin, vma.end);
  for (auto& [begin, vma] : mm.vmas)
    anon_vma_unlink(system, core, vma);
  gather.unhook(core, PageNumber(0), mm.tables.shape().end());
  gather.finish(core);
  while (mm.vmas.size() > 0) {
    const Vma& vma = mm.vmas.begin()->second;
    core.charge(core.costs().work.vma_remove, Account::work);
    system.slabs.vm_area_struct.free(core, vma.object); // remove_vma()
    mm.vmas.erase(vma);
  }
  core.settle();
}

} // namespace

void exit_task(System& system, Task& task) {
  Core& core = task.core();
  core.charge(core.costs().entry.syscall, Account::entry);
  core.charge(core.costs().work.task_exit, Account::work);
  MmStruct& mm = *task.mm;
  mm.mmap_lock.down_read(task); // exit_mm(): where it would wait for a core dump
  system.mm_switch.mmgrab_lazy_tlb(task.core(), mm);
  task.core().settle();
  task.mm = nullptr;
  mm.mmap_lock.up_read(task);
  Core& here = task.core(); // down_read() may have slept
  here.irq_disable();
  system.mm_switch.enter_lazy_tlb(here); // as lazy as a kernel thread from now on
  here.irq_enable();
  if (mm.users.decrement_and_test(here)) { // mmput()
    exit_mmap(system, here, mm);
    system.mm_switch.mmdrop(here, mm); // the reference of all users together
  }
  if (task.files != no_object)
    system.slabs.files.free(here, std::exchange(task.files, no_object)); // exit_files()
}

} // namespace mmsim
