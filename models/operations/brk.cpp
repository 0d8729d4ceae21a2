#include "models/operations/brk.hpp"

#include "models/operations/munmap.hpp"
#include "models/operations/user.hpp"
#include "models/operations/vma_adjust.hpp"

namespace mmsim {

namespace {

// do_brk_flags(): heap at [begin, end), where nothing is.
Errno do_brk_flags(System& system, Task& task, PageNumber begin, PageNumber end) {
  MmStruct& mm = *task.mm;
  constexpr std::uint32_t flags = VM_READ | VM_WRITE | VM_ACCOUNT;
  const std::uint64_t pages = end - begin;
  if (mm.tables.shape().end() < end) return Errno::enomem; // get_unmapped_area()
  if (mm.vmas.size() > system.max_map_count()) return Errno::enomem;
  system.flusher.complete(task.core(), mm, begin, pages); // a flush of it may have been put off
  if (!system.overcommit.vm_enough_memory(task.core(), mm, pages)) return Errno::enomem;
  return map_area(system, task, {begin, end, flags, nullptr, nullptr, begin.value()});
}

// With mmap_lock held for writing; `unmapped` says how on return.
Errno do_brk(System& system, Task& task, PageNumber wanted, MunmapResult& unmapped) {
  MmStruct& mm = *task.mm;
  if (wanted < mm.start_brk || wanted == mm.brk) return Errno::ok;
  if (wanted < mm.brk) {
    const PageNumber old = std::exchange(mm.brk, wanted); // before the lock is downgraded
    unmapped = do_munmap(system, task, wanted, old - wanted, system.parameters.munmap_downgrade);
    if (unmapped.error != Errno::ok) mm.brk = old;
    return unmapped.error;
  }
  const Vma* const next = find_vma(task, mm, mm.brk);
  if (next != nullptr && vm_start_gap(system, *next) < wanted + 1) return Errno::enomem;
  const Errno error = do_brk_flags(system, task, mm.brk, wanted);
  if (error == Errno::ok) mm.brk = wanted;
  return error;
}

} // namespace

PageNumber brk(System& system, Task& task, PageNumber wanted) {
  MmStruct& mm = *task.mm;
  task.core().charge(task.core().costs().entry.syscall, Account::entry);
  mm.mmap_lock.down_write(task);
  task.core().charge(task.core().costs().work.brk, Account::work);
  MunmapResult unmapped;
  const Errno error = do_brk(system, task, wanted, unmapped);
  const PageNumber end = mm.brk;
  unlock_after(task, unmapped);
  if (error != Errno::ok) failed(system, task, error, "brk", end, wanted.value() - end.value());
  return_to_user_mode(system, task);
  return end;
}

} // namespace mmsim
