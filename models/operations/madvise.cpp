#include "models/operations/madvise.hpp"

#include "models/operations/gather.hpp"
#include "models/operations/user.hpp"
#include "models/operations/vma_adjust.hpp"
#include "models/operations/vma_lock.hpp"
#include "models/reclaim/readahead.hpp"

#include <algorithm>

namespace mmsim {

namespace {

// madvise_dontneed_single_vma()
void zap_page_range(System& system, Task& task, const Vma& vma, PageNumber begin, PageNumber end) {
  system.lru->lru_add_drain(task.core());
  MmuGather gather(system, task.core(), *task.mm, false, Refill::allowed);
  gather.zap(task, begin, end, vma.has(VM_SEQ_READ));
  gather.finish_or_defer(task.core(), begin, end);
}

// madvise_willneed(). True if mmap_lock has been dropped meanwhile.
bool read_ahead(System& system, Task& task, const Vma& vma, PageNumber begin, PageNumber end) {
  if (vma.file == nullptr) return false;
  File& file = *vma.file;
  const std::uint64_t pgoff = vma.pgoff + (begin - vma.begin);
  const bool drops = system.parameters.fault_retry; // since 5.2: vfs_fadvise() may wait
  if (drops) {
    file.get(task.core());
    task.mm->mmap_lock.up_read(task);
  }
  force_page_cache_readahead(task, file, pgoff, end - begin);
  if (drops) {
    file.put(task.core());
    task.mm->mmap_lock.down_read(task);
  }
  return drops;
}

std::uint32_t advised(std::uint32_t flags, Advice advice) {
  flags &= ~std::uint32_t{VM_RAND_READ | VM_SEQ_READ};
  if (advice == Advice::random) flags |= VM_RAND_READ;
  if (advice == Advice::sequential) flags |= VM_SEQ_READ;
  return flags;
}

// `previous` as in mprotect_fixup().
Errno madvise_behavior(System& system, Task& task, Vma* vma, Vma*& previous, PageNumber begin, PageNumber end,
                       Advice advice) {
  const std::uint32_t flags = advised(vma->flags, advice);
  if (flags == vma->flags) {
    previous = vma;
    return Errno::ok;
  }
  if (vma_modify(system, task, vma, previous, begin, end, flags) != Errno::ok) return Errno::eagain;
  previous = vma;
  vma_start_write(task, *task.mm, *vma);
  vma->flags = flags;
  return Errno::ok;
}

// With mmap_lock held, for writing unless the advice is dontneed or willneed.
Errno do_madvise(System& system, Task& task, PageNumber begin, PageNumber end, Advice advice) {
  MmStruct& mm = *task.mm;
  Errno unmapped_error = Errno::ok;
  Vma* vma = find_vma(task, mm, begin);
  if (vma == nullptr) return Errno::enomem;
  Vma* previous = vma->begin < begin ? vma : mm.vmas.previous(*vma);
  for (;;) {
    if (vma == nullptr) return Errno::enomem;
    if (begin < vma->begin) {
      unmapped_error = Errno::enomem;
      begin = vma->begin;
      if (end <= begin) return Errno::enomem;
    }
    const PageNumber stop = std::min(vma->end, end);
    if (advice == Advice::dontneed) {
      zap_page_range(system, task, *vma, begin, stop);
      previous = vma;
    } else if (advice == Advice::willneed) {
      previous = vma;
      if (read_ahead(system, task, *vma, begin, stop)) { // the areas may be others now
        if (end <= stop) return unmapped_error;
        begin = stop;
        vma = find_vma(task, mm, begin);
        continue;
      }
    } else if (const Errno error = madvise_behavior(system, task, vma, previous, begin, stop, advice);
               error != Errno::ok) {
      return error;
    }
    begin = std::max(stop, previous->end);
    if (end <= begin) return unmapped_error;
    vma = mm.vmas.next(*previous);
  }
}

} // namespace

Errno madvise(System& system, Task& task, PageNumber first, std::uint64_t pages, Advice advice) {
  MmapLock& mmap_lock = task.mm->mmap_lock;
  task.core().charge(task.core().costs().entry.syscall, Account::entry);
  Errno error = Errno::ok;
  if (pages > ~std::uint64_t{0} - first.value()) {
    error = Errno::einval;
  } else if (pages > 0) {
    const bool write = advice != Advice::dontneed && advice != Advice::willneed; // madvise_need_mmap_write()
    write ? mmap_lock.down_write(task) : mmap_lock.down_read(task);
    task.core().charge(task.core().costs().work.madvise, Account::work);
    error = do_madvise(system, task, first, first + pages, advice);
    write ? mmap_lock.up_write(task) : mmap_lock.up_read(task);
  }
  if (error != Errno::ok) failed(system, task, error, "madvise", first, pages);
  return_to_user_mode(system, task);
  return error;
}

} // namespace mmsim
