#include "models/operations/process.hpp"

#include "models/address_space/content_stamps.hpp"
#include "models/operations/gather.hpp"
#include "models/operations/gup.hpp"
#include "models/operations/kill.hpp"
#include "models/operations/page_tables.hpp"
#include "models/operations/vma_adjust.hpp"
#include "models/operations/vma_lock.hpp"

#include <algorithm>
#include <utility>

namespace mmsim {

void Completion::wait(System& system, Task& task) {
  task.core().settle();
  const WaitFor whom(task.ledger, system.machine.wait_names().id_of_literal(WaitKind::sleep, what_));
  while (!done_ && !task.killed) {
    waiter_ = &task;
    task.killable = true;
    system.scheduler.set_current_state(task);
    system.scheduler.block(task, Account::schedule, this);
    task.killable = false;
    waiter_ = nullptr;
  }
  end_if_killed(system, task);
}

void Completion::complete(System& system, Core& core) {
  core.settle();
  done_ = true;
  if (waiter_ != nullptr) system.scheduler.wake(core, *waiter_);
}

Task& spawn_process_at_boot(System& system, std::string name, CoreId on, std::function<void(Task&)> body) {
  MmStruct& mm = system.new_mm();
  if (system.mm_list) system.mm_list->add_at_boot(mm);
  return system.scheduler.spawn_at_boot(std::move(name), &mm, on, task_of_boot(system, std::move(body)));
}

Task& spawn_thread_at_boot(System& system, std::string name, MmStruct& mm, CoreId on,
                           std::function<void(Task&)> body) {
  mm.users.count_at_boot();
  return system.scheduler.spawn_at_boot(std::move(name), &mm, on, task_of_boot(system, std::move(body)));
}

Task& spawn_kthread_at_boot(System& system, std::string name, CoreId on, std::function<void(Task&)> body) {
  return system.scheduler.spawn_at_boot(std::move(name), nullptr, on, std::move(body), Fiber::Kind::daemon);
}

namespace {

// copy_present_page() with a page at hand: the child gets a copy, as writable as the area is, and the
// parent's entry stays as it is.
void copy_present_page(System& system, Core& core, const Mapping& target, FrameNumber pinned,
                       FrameNumber copy) {
  const WorkCosts& work = core.costs().work;
  system.contents.copy_page(core, pinned, copy);
  system.rmap->page_add_new_anon(core, copy, target);
  ++target.mm.rss_anon;
  core.settle();
  PageTable::set(target.table, target.index,
                 target.entry().mapped(copy, pte_young | pte_dirty |
                                                 (target.vma.writable() ? std::uint64_t{pte_writable} : 0)));
  core.charge(work.pte_set, Account::work);
}

// The child's copy of `entry`: write-protected if it is to be copied on write, clean if it is shared, old.
void set_child_entry(TablePage& table, std::size_t index, Pte entry, const Vma& vma) {
  const std::uint64_t taken = pte_young | (vma.is_private() ? pte_writable : pte_dirty);
  Pte copy = table.words[index].mapped(entry.frame(), entry.flags() & ~taken);
  if (!entry.valid()) copy = copy.prot_none();
  PageTable::set(table, index, copy);
}

// The swap entry's part of copy_one_pte(), copy_nonpresent_pte() in 5.10. Since 5.19 it is nobody's alone from now on.
void copy_swap_entry(System& system, Core& core, MmStruct& child, Pte& source, const PteSlot& target) {
  const SwapEntry entry = source.swap_entry();
  system.swap.swap_duplicate(core, entry);
  ++child.swapents;
  core.settle();
  if (source.swp_exclusive()) source = source.swapped(entry);
  PageTable::set(target.table, target.index, target.entry().swapped(entry));
  core.charge(core.costs().work.pte_set, Account::work);
}

// copy_pte_range(): `table` is the parent's, [begin, end) lies in it; `vma` is the child's area. False if memory ran
// out.
bool copy_pte_range(System& system, Core& core, MmStruct& parent, MmStruct& child, Vma& vma, TablePage& table,
                    PageNumber begin, PageNumber end) {
  const WorkCosts& work = core.costs().work;
  ReverseMap& rmap = *system.rmap;
  const bool tracks = rmap.tracks_entries();
  const std::optional<PteSlot> allocated = alloc_pte(system, core, child, begin);
  if (!allocated) return false;
  const PteSlot& target = *allocated;
  SpinLock& child_lock = system.pte_lock(child, target.table);
  SpinLock& parent_lock = system.pte_lock(parent, table);
  child_lock.lock(core);
  parent_lock.lock_nested(core, 1); // SINGLE_DEPTH_NESTING: the child is not yet anybody else's
  bool any_pinned = false;
  const std::uint32_t own = system.parameters.anon_exclusive() ? PG_anon_exclusive : 0U; // who may be pinned
  if (system.parameters.write_protect_seq) {
    core.read(parent.write_protect_seq.line());
    any_pinned = parent.has_pinned;
  }
  FrameNumber prealloc = no_frame;
  RmapReserve reserve;
  // Where each entry is told of, one may need memory.
  const std::uint64_t bulk =
      tracks ? 1 : system.steps_in_quantum(work.pte_copy + work.page_ref + work.pte_wrprotect);
  for (PageNumber page = begin; page < end;) {
    if (!rmap.reserve(core, reserve, GFP_ATOMIC)) {
      parent_lock.unlock(core);
      child_lock.unlock(core);
      if (!rmap.reserve(core, reserve, GFP_KERNEL)) {
        if (prealloc != no_frame) put_page(system, core, prealloc);
        return false;
      }
      child_lock.lock(core);
      parent_lock.lock_nested(core, 1);
    }
    const PageNumber first = page;
    const PageNumber stop = std::min(end, page + bulk);
    system.before_entries_change(core);
    std::int64_t copied = 0, special = 0, file = 0, protected_ = 0;
    Pte pinned, swapped;
    for (; page < stop; ++page) {
      const std::size_t index = page.value() & 511;
      const Pte entry = table.words[index];
      if (entry.none()) continue;
      if (entry.is_swap()) {
        swapped = entry;
        break;
      }
      if (!entry.special()) { // vm_normal_page()
        Frame& frame = system.pages[entry.frame()];
        if (any_pinned && (frame.flags & own) == own && (frame.flags & PG_file) == 0 &&
            page_maybe_dma_pinned(frame)) { // page_needs_cow_for_dma()
          pinned = entry;
          break;
        }
        frame.flags &= ~std::uint32_t{PG_anon_exclusive}; // page_try_dup_anon_rmap()
        ++frame.refcount;                                 // get_page()
        if (!tracks) ++frame.mapcount;                    // page_dup_rmap(), here or below
        file += (frame.flags & PG_file) != 0;
      } else {
        ++special;
      }
      if (vma.is_private() && entry.writable()) { // is_cow_mapping(): ptep_set_wrprotect()
        table.words[index] = entry.without(pte_writable);
        ++protected_;
      }
      set_child_entry(target.table, index, entry, vma);
      if (system.pages.stamps != nullptr) system.pages.stamps->forked(parent, child, page);
      ++copied;
    }
    child.rss_file += file;
    child.rss_anon += copied - special - file;
    if (protected_ > 0) system.oracle.entry_changed(parent, first, page);
    if (tracks && copied > special) {
      const std::size_t index = first.value() & 511;
      rmap.page_dup(core, table.words[index].frame(), {child, vma, first, target.table, index}, &reserve);
    }
    core.charge((static_cast<std::int64_t>(page - first) - copied) * work.pte_scan + copied * work.pte_copy +
                    (copied - special) * work.page_ref + protected_ * work.pte_wrprotect,
                Account::work);
    if (swapped.is_swap()) {
      if (system.pages.stamps != nullptr) system.pages.stamps->forked(parent, child, page);
      const std::size_t index = page.value() & 511;
      copy_swap_entry(system, core, child, table.words[index], {target.table, index});
      ++page;
      continue;
    }
    if (!pinned.valid()) continue;
    if (prealloc != no_frame) {
      copy_present_page(system, core, {child, vma, page, target.table, page.value() & 511}, pinned.frame(),
                        std::exchange(prealloc, no_frame));
      if (system.pages.stamps != nullptr)
        system.pages.stamps->forked_to(child, page, target.table.words[page.value() & 511].frame());
      ++page;
      continue;
    }
    parent_lock.unlock(core);
    child_lock.unlock(core);
    prealloc = system.pages.alloc_page(core, GFP_HIGHUSER_MOVABLE); // page_copy_prealloc()
    if (prealloc == no_frame) {
      rmap.unreserve(core, reserve);
      return false;
    }
    child_lock.lock(core);
    parent_lock.lock_nested(core, 1); // and the same page again, which may be pinned no longer
  }
  parent_lock.unlock(core);
  child_lock.unlock(core);
  rmap.unreserve(core, reserve);
  if (prealloc != no_frame) put_page(system, core, prealloc);
  return true;
}

// False if memory ran out: what has been copied stays, for exit_mmap().
bool copy_page_range(System& system, Core& core, MmStruct& parent, MmStruct& child, const Vma& vma,
                     Vma& copy) {
  // Pages of files, and the zero page, are as well faulted in again.
  if (!system.rmap->has_anon_pages(vma)) return true;
  const bool counted = system.parameters.write_protect_seq && vma.is_private();
  if (counted) parent.write_protect_seq.raw_write_seqcount_begin(core);
  const bool copied = for_each_table(
      core, parent.tables, vma.begin, vma.end, [&](TablePage& table, PageNumber begin, PageNumber end) {
        return table.live == 0 || copy_pte_range(system, core, parent, child, copy, table, begin, end);
      });
  if (counted) parent.write_protect_seq.raw_write_seqcount_end(core);
  return copied;
}

// One area of dup_mmap(). False if it may not be promised to the child, or memory ran out.
bool dup_area(System& system, Task& task, MmStruct& parent, MmStruct& child, Vma& vma) {
  vma_start_write(task, parent, vma); // since 6.4.3
  if (vma.has(VM_DONTCOPY)) {
    child.total_vm -= static_cast<std::int64_t>(vma.pages());
    return true;
  }
  if (task.killed) return false; // fatal_signal_pending()
  Core& core = task.core();
  const WorkCosts& work = core.costs().work;
  if (vma.has(VM_ACCOUNT) && !system.overcommit.vm_enough_memory(core, parent, vma.pages())) return false;
  Vma* const copy = vm_area_alloc(system, core, child, vma); // vm_area_dup()
  if (copy == nullptr) {
    if (vma.has(VM_ACCOUNT)) system.overcommit.vm_unacct_memory(core, vma.pages());
    return false;
  }
  core.charge(work.vma_dup, Account::work);
  copy->flags &= ~std::uint32_t{VM_LOCKED};
  if (!system.rmap->anon_vma_fork(task, *copy, vma)) {
    if (vma.has(VM_ACCOUNT)) system.overcommit.vm_unacct_memory(task.core(), vma.pages());
    vm_area_free(system, task.core(), *copy);
    return false;
  }
  task.core().charge(work.rmap_link, Account::work);
  map_file(task, *copy);
  vma_link(system, task, child, *copy);
  return copy_page_range(system, task.core(), parent, child, vma, *copy);
}

// False if the child is incomplete.
bool dup_mmap(System& system, Task& task, MmStruct& parent, MmStruct& child) {
  parent.mmap_lock.down_write(task);
  child.mmap_lock.down_write_nested(task, 1); // nobody else knows the child yet
  if (system.mm_list) system.mm_list->add(task.core(), child, parent);
  child.total_vm = parent.total_vm;
  child.brk = parent.brk;
  bool copied = true;
  for (auto area = parent.vmas.begin(); copied && area != parent.vmas.end(); ++area)
    copied = dup_area(system, task, parent, child, *area);
  child.mmap_lock.up_write(task);
  system.flusher.flush_mm(task.core(), parent, false);
  parent.mmap_lock.up_write(task);
  return copied;
}

// exit_mmap(): everything goes; nobody uses the address space any more, but cores may still have it loaded
// lazily.
void exit_mmap(System& system, Task& task, MmStruct& mm) {
  system.flusher.complete(task.core(), mm); // what a policy has put off
  system.lru->lru_add_drain(task.core());
  MmuGather gather(system, task.core(), mm, true);
  for (Vma& vma : mm.vmas)
    gather.zap(task, vma.begin, vma.end, vma.has(VM_SEQ_READ));
  for (Vma& vma : mm.vmas) // free_pgtables()
    unlink_from_reverse_map(system, task, vma);
  gather.unhook(task.core(), PageNumber(0), mm.tables.shape().end());
  gather.finish(task.core());
  std::uint64_t accounted = 0;
  Core& core = task.core();
  for (const Vma& vma : mm.vmas) {
    if (vma.has(VM_ACCOUNT)) accounted += vma.pages();
    if (vma.file != nullptr) vma.file->put(core); // remove_vma(): fput()
  }
  vma_tree_destroy(system, core, mm);
  core.settle();
  mm.total_vm = 0;
  if (accounted > 0) system.overcommit.vm_unacct_memory(core, accounted);
}

// dup_mm(): null if memory ran out.
MmStruct* dup_mm(System& system, Task& task) {
  MmStruct* const child = mm_alloc(system, task.core());
  if (child == nullptr || dup_mmap(system, task, *task.mm, *child)) return child;
  mmput(system, task.core(), *child);
  return nullptr;
}

} // namespace

// mmput(): the last user's tables, pages and areas go, and his reference on the mm. May sleep.
void mmput(System& system, Core& core, MmStruct& mm) {
  const bool last = system.mm_list ? system.mm_list->put(core, mm) : mm.users.decrement_and_test(core);
  if (!last) return;
  Task& task = system.scheduler.running_on(core);
  exit_mmap(system, task, mm);
  system.swap.token().put(task.core(), mm); // put_swap_token()
  system.mm_switch.mmdrop(task.core(), mm); // the reference of all users together
}

MmStruct* mm_alloc(System& system, Core& core) {
  const SlabObject object = system.slabs.mm_struct.alloc(core, GFP_KERNEL); // allocate_mm()
  if (object == no_object) return nullptr;
  core.charge(core.costs().work.mm_create, Account::work);
  core.settle();
  MmStruct& mm = system.new_mm(object);
  if (alloc_root(system, core, mm)) return &mm; // mm_init()
  system.free_mm(core, mm);
  return nullptr;
}

std::function<void(Task&)> life_of(System& system, std::function<void(Task&)> body,
                                   std::shared_ptr<Completion> exited) {
  return [&system, body = std::move(body), exited = std::move(exited)](Task& self) {
    finish_killed(system, self, body);
    if (exited) exited->complete(system, self.core()); // exit_notify()
  };
}

void mm_release(System& system, Task& task) {
  if (const std::shared_ptr<Completion> done = std::move(task.vfork_done))
    done->complete(system, task.core());
}

Task* fork(System& system, Task& task, CoreId on, std::function<void(Task&)> body,
           std::shared_ptr<Completion> exited) {
  Core& core = task.core();
  core.charge(core.costs().entry.syscall, Account::entry);
  core.charge(core.costs().work.task_create, Account::work);
  const SlabObject files = system.slabs.files.alloc(core, GFP_KERNEL); // copy_files()
  MmStruct* child = files != no_object ? dup_mm(system, task) : nullptr;
  if (child != nullptr && task.killed) // fatal_signal_pending(): bad_fork_cleanup_mm
    mmput(system, task.core(), *std::exchange(child, nullptr));
  if (child == nullptr && files != no_object)
    system.slabs.files.free(task.core(), files); // bad_fork_cleanup_files
  end_if_killed(system, task);
  if (child == nullptr) return nullptr;
  return &system.scheduler.spawn(task.core(), task.name + "'s child", child, on,
                                 life_of(system, std::move(body), std::move(exited)), Fiber::Kind::worker,
                                 files);
}

void exit_task(System& system, Task& task) {
  Core& core = task.core();
  core.charge(core.costs().entry.syscall, Account::entry);
  core.charge(core.costs().work.task_exit, Account::work);
  MmStruct& mm = *task.mm;
  mm_release(system, task);     // exit_mm(), and then:
  mm.mmap_lock.down_read(task); //: where it would wait for a core dump
  system.mm_switch.mmgrab_lazy_tlb(task.core(), mm);
  task.core().settle();
  task.mm = nullptr;
  mm.mmap_lock.up_read(task);
  Core& here = task.core(); // down_read() may have slept
  here.irq_disable();
  system.mm_switch.enter_lazy_tlb(here); // as lazy as a kernel thread from now on
  here.irq_enable();
  mmput(system, here, mm);
  if (task.files != no_object)
    system.slabs.files.free(task.core(), std::exchange(task.files, no_object)); // exit_files()
}

} // namespace mmsim
