#include "models/reclaim/congestion.hpp"

#include <utility>

namespace mmsim {

bool WaitQueue::sleep(Timeouts& timeouts, Task& task, Instant until, Account account, Sleep how) {
  Waiter waiter(task);
  task.core().write(line_); // prepare_to_wait()
  waiters_.push_back(waiter);
  return timeouts.sleep(task, until, account, &waiter.woken, how);
}

void WaitQueue::wait_event_killable(Timeouts& timeouts, Task& task, Account account,
                                    FunctionRef<bool()> condition) {
  while (!task.killed) {
    Waiter waiter(task);
    task.core().write(line_);
    waiters_.push_back(waiter);
    if (condition()) return;
    timeouts.sleep(task, Instant::max(), account, &waiter.woken, Sleep::killable);
  }
}

void WaitQueue::wake_all(Scheduler& scheduler, Core& core) {
  if (waiters_.empty()) return;
  core.write(line_);
  Waiters now; // those who come meanwhile wait for the next time
  now.swap(waiters_);
  while (!now.empty()) {
    Waiter& waiter = now.front();
    now.pop_front();
    waiter.woken = true; // from here on it may be gone with its task's stack
    scheduler.wake(core, waiter.task);
  }
}

void Congestion::wait(Task& task, Duration limit) {
  task.core().counters().add(Counter::congestion_wait);
  task.core().settle();
  const WaitFor whom(task.ledger, event_);
  queue_.sleep(timeouts_, task, task.now() + limit, Account::io);
}

void Congestion::cleared(Core& core, std::uint64_t times) {
  if (std::exchange(told_, times) != times && ends_early_) queue_.wake_all(scheduler_, core);
}

} // namespace mmsim
