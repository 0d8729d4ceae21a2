#include "models/reclaim/page_lock.hpp"

#include "models/reclaim/page_cache.hpp"
#include "models/scheduler/scheduler.hpp"
#include "models/scheduler/task.hpp"

#include <spdlog/fmt/fmt.h>
#include <utility>

namespace mmsim {

std::string CachedPage::describe() const {
  return fmt::format("page {} of the file {}, {}", index, mapping != nullptr ? mapping->name : "(truncated)",
                     locked ? "locked" : "not locked");
}

bool PageWaitTable::trylock_page(Core& core, CachedPage& page) {
  core.rmw(page.line); // TestSetPageLocked()
  return !std::exchange(page.locked, true);
}

void PageWaitTable::lock_page(Task& task, CachedPage& page) {
  if (LockObserver* observer = locks_.observer()) observer->may_sleep(task.core(), "lock_page()");
  if (trylock_page(task.core(), page)) return;
  while (!wait_on_page_bit(task, page, true)) {
  }
}

void PageWaitTable::wait_on_page_locked(Task& task, CachedPage& page) {
  task.core().read(page.line);
  while (page.locked && !wait_on_page_bit(task, page, false)) {
  }
}

void PageWaitTable::unlock_page(Core& core, CachedPage& page) {
  core.rmw(page.line);
  page.locked = false;
  if (page.waiters) wake_up_page(core, page);
}

PageWaitTable::Queue& PageWaitTable::queue_of(const CachedPage& page) {
  const std::uint32_t hash = page.frame.value() * 0x61C88647U >> 24; // hash_32()
  std::unique_ptr<Queue>& queue = queues_[hash];
  if (queue == nullptr) queue = std::make_unique<Queue>(locks_);
  return *queue;
}

// wait_on_page_bit_common(): true if the wait is over, and for who wants the lock, if he has it.
bool PageWaitTable::wait_on_page_bit(Task& task, CachedPage& page, bool exclusive) {
  Queue& queue = queue_of(page);
  queue.lock->lock_irqsave(task.core());
  task.core().rmw(page.line); // SetPageWaiters(), and a last look at the lock
  page.waiters = true;
  const bool free = !page.locked;
  if (free && exclusive) page.locked = true;
  if (free) {
    queue.lock->unlock_irqrestore(task.core());
    return true;
  }
  Waiter waiter(task, page, exclusive);
  queue.waiters.push_back(waiter);
  queue.lock->unlock_irqrestore(task.core());
  task.core().settle();
  for (;;) {
    scheduler_.set_current_state(task);
    if (waiter.woken) break;
    scheduler_.block(task, Account::io, &page);
  }
  return !exclusive;
}

void PageWaitTable::wake_up_page(Core& core, CachedPage& page) {
  Queue& queue = queue_of(page);
  queue.lock->lock_irqsave(core);
  core.write(queue.line);
  bool stop = false;
  page.waiters = false;
  for (auto at = queue.waiters.begin(); at != queue.waiters.end();) {
    Waiter& waiter = *at++;
    if (&waiter.page != &page) continue;
    if (stop) {
      page.waiters = true; // he and those behind him stay
      break;
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
