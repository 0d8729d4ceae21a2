#include "models/reclaim/page_lock.hpp"

#include "models/address_space/content_stamps.hpp"
#include "models/pages/page_allocator.hpp"
#include "models/pages/struct_page_miss.hpp"
#include "models/reclaim/file.hpp"
#include "models/reclaim/reclaim.hpp"
#include "models/scheduler/scheduler.hpp"
#include "models/scheduler/task.hpp"

#include <spdlog/fmt/fmt.h>

namespace mmsim {

std::string PageWaitTable::Waiter::describe() const {
  const CachedPage* cached = table.pages_.links(frame).cached;
  const std::uint32_t flags = table.pages_[frame].flags;
  const char* state = (flags & bit) == 0 ? "free to go" : bit == PG_locked ? "locked" : "under writeback";
  if (cached == nullptr || cached->mapping == nullptr)
    return fmt::format("frame {}, {}", frame.value(), state);
  return fmt::format("page {} of the file {}, {}", cached->index, cached->mapping->name, state);
}

// An atomic operation on struct page.
void PageWaitTable::atomic(Core& core, FrameNumber frame) {
  if (CachedPage* cached = pages_.links(frame).cached) {
    core.rmw(cached->line);
    return;
  }
  const Duration miss = struct_page_miss(core, pages_[frame]);
  if (miss.count() != 0) core.charge(miss, Account::coherence, pages_.struct_page());
  core.charge(core.costs().line.atomic, Account::work);
  core.settle();
}

bool PageWaitTable::trylock_page(Core& core, FrameNumber frame) {
  atomic(core, frame); // TestSetPageLocked()
  Frame& page = pages_[frame];
  if ((page.flags & PG_locked) != 0) return false;
  page.flags |= PG_locked;
  return true;
}

void PageWaitTable::lock_page(Task& task, FrameNumber frame) {
  if (LockObserver* observer = locks_.observer()) observer->may_sleep(task.core(), "lock_page()");
  if (trylock_page(task.core(), frame)) return;
  while (!wait_on_page_bit(task, frame, PG_locked, true)) {
  }
}

void PageWaitTable::wait(Task& task, FrameNumber frame, FrameFlag bit) {
  if (CachedPage* cached = pages_.links(frame).cached) task.core().read(cached->line);
  while ((pages_[frame].flags & bit) != 0 && !wait_on_page_bit(task, frame, bit, false)) {
  }
}

void PageWaitTable::wait_on_page_locked(Task& task, FrameNumber frame) { wait(task, frame, PG_locked); }

void PageWaitTable::wait_on_page_writeback(Task& task, FrameNumber frame) { wait(task, frame, PG_writeback); }

void PageWaitTable::unlock_page(Core& core, FrameNumber frame) {
  atomic(core, frame);
  Frame& page = pages_[frame];
  page.flags &= ~std::uint32_t{PG_locked};
  if ((page.flags & PG_waiters) != 0) wake_up_page(core, frame, PG_locked);
}

void PageWaitTable::set_page_writeback(Core& core, FrameNumber frame) {
  atomic(core, frame);
  pages_[frame].flags |= PG_writeback;
  if (pages_.stamps != nullptr) pages_.stamps->write_begins(frame);
  pages_.count_page(core, frame, NR_WRITEBACK, 1);
}

void PageWaitTable::end_page_writeback(Core& core, FrameNumber frame) {
  Frame& page = pages_[frame];
  if (reclaim_ != nullptr) reclaim_->end_page_writeback(core, frame); // rotate_reclaimable_page()
  // test_clear_page_writeback(): the tree's tag of a file's page.
  CachedPage* cached = pages_.links(frame).cached;
  File* mapping = cached != nullptr ? cached->mapping : nullptr;
  if (mapping != nullptr) {
    mapping->lock_tree(core);
    core.write(mapping->node_of(cached->index).line);
  }
  pages_.count_page(core, frame, NR_WRITEBACK, -1);
  atomic(core, frame);
  page.flags &= ~std::uint32_t{PG_writeback};
  if (mapping != nullptr) mapping->unlock_tree(core);
  if ((page.flags & PG_waiters) != 0) wake_up_page(core, frame, PG_writeback);
}

PageWaitTable::Queue& PageWaitTable::queue_of(FrameNumber frame) {
  const std::uint32_t hash = frame.value() * 0x61C88647U >> 24; // hash_32()
  std::unique_ptr<Queue>& queue = queues_[hash];
  if (queue == nullptr) queue = std::make_unique<Queue>(locks_);
  return *queue;
}

// Whoever has the lock of a page that is not read yet, or is being written, waits for the device himself.
WaitId PageWaitTable::waits_for(FrameNumber frame, FrameFlag bit) const {
  const std::uint32_t flags = pages_[frame].flags;
  const bool is_read = (flags & PG_uptodate) == 0 && pages_.links(frame).cached != nullptr;
  if (bit != PG_writeback && (flags & PG_writeback) == 0 && !is_read) return page_lock_;
  return (flags & PG_file) != 0 ? disk_ : swap_;
}

// wait_on_page_bit_common(): true if the wait is over, and for who wants the lock, if he has it.
bool PageWaitTable::wait_on_page_bit(Task& task, FrameNumber frame, FrameFlag bit, bool exclusive) {
  Queue& queue = queue_of(frame);
  Frame& page = pages_[frame];
  queue.lock->lock_irqsave(task.core());
  atomic(task.core(), frame); // SetPageWaiters(), and a last look at the bit
  page.flags |= PG_waiters;
  const bool free = (page.flags & bit) == 0;
  if (free && exclusive) page.flags |= bit;
  if (free) {
    queue.lock->unlock_irqrestore(task.core());
    return true;
  }
  Waiter waiter(*this, task, frame, bit, exclusive);
  queue.waiters.push_back(waiter);
  queue.lock->unlock_irqrestore(task.core());
  task.core().settle();
  const WaitFor whom(task.ledger, waits_for(frame, bit));
  for (;;) {
    scheduler_.set_current_state(task);
    if (waiter.woken) break;
    scheduler_.block(task, Account::io, &waiter);
  }
  return !exclusive;
}

// A page that was freed meanwhile has other waiters, if any: they are for another bit, or look again.
void PageWaitTable::wake_up_page(Core& core, FrameNumber frame, FrameFlag bit) {
  Queue& queue = queue_of(frame);
  Frame& page = pages_[frame];
  queue.lock->lock_irqsave(core);
  core.write(queue.line);
  bool stop = false;
  page.flags &= ~std::uint32_t{PG_waiters};
  for (auto at = queue.waiters.begin(); at != queue.waiters.end();) {
    Waiter& waiter = *at++;
    if (waiter.frame != frame) continue;
    if (stop || waiter.bit != bit) {
      page.flags |= PG_waiters; // he stays
      continue;
    }
    queue.waiters.erase(queue.waiters.iterator_to(waiter));
    stop = waiter.exclusive;
    Task& task = waiter.task; // his stack may go once he is woken
    waiter.woken = true;
    scheduler_.wake(core, task);
  }
  queue.lock->unlock_irqrestore(core);
}

} // namespace mmsim
