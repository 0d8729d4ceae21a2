// Pages that tests swap out one by one, as reclaim would.
#pragma once

#include "models/rmap/unmap.hpp"
#include "tests/support/kernel_world.hpp"

namespace mmsim::tests {

/// shrink_page_list() of one page, up to its write: it is in the swap cache, unmapped, under writeback or written, and
/// has a reference of the caller's. no_frame if there is no slot.
inline FrameNumber begin_swap_out(KernelWorld& w, Task& task, PageNumber page) {
  System& system = w.system;
  const FrameNumber frame = task.mm->tables.find(page)->frame();
  system.lru->lru_add_drain(task.core());
  ++system.pages[frame].refcount; // isolate_lru_page()
  system.page_cache.waits.lock_page(task, frame);
  page_referenced(system, task, frame);
  if (!system.swap.add_to_swap(task.core(), frame)) {
    system.page_cache.waits.unlock_page(task.core(), frame);
    system.lru->put_page(task.core(), frame);
    return no_frame;
  }
  if (try_to_unmap(system, task, frame, nullptr) != Unmapped::success)
    throw std::logic_error("a page of a test is still mapped");
  system.swap.writepage(task, frame);
  return frame;
}

/// The rest of it: the page is written and leaves memory.
inline void finish_swap_out(KernelWorld& w, Task& task, FrameNumber frame) {
  PageWaitTable& waits = w.system.page_cache.waits;
  waits.wait_on_page_writeback(task, frame);
  waits.lock_page(task, frame);
  const bool removed = w.system.swap.remove_mapping(task.core(), frame);
  waits.unlock_page(task.core(), frame);
  w.system.lru->put_page(task.core(), frame);
  if (!removed) throw std::logic_error("a page of a test could not leave the swap cache");
}

inline void swap_out(KernelWorld& w, Task& task, PageNumber first, std::uint64_t pages = 1) {
  for (std::uint64_t i = 0; i < pages; ++i)
    finish_swap_out(w, task, begin_swap_out(w, task, first + i));
}

inline SwapEntry swap_entry(const Task& task, PageNumber page) {
  const Pte* entry = task.mm->tables.find(page);
  return entry != nullptr && entry->is_swap() ? entry->swap_entry() : SwapEntry();
}

} // namespace mmsim::tests
