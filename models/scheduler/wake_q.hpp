// Tasks that are to be woken once the lock under which they were found has been dropped.
//
//   WakeQ wake_q;
//   wait_lock.lock_irqsave(core);  ... wake_q.add(waiter.task); ...  wait_lock.unlock_irqrestore(core);
//   wake_q.wake_up(scheduler, core);
//
// Models struct wake_q_head, wake_q_add and wake_up_q of kernel/sched/core.c, 5.10: a task is on one queue at
// a time, and whoever finds it on another's relies on that one to wake it later. The task may have gone on by
// itself meanwhile: its wake-up then comes to a running task and does nothing (Scheduler::set_current_state).
#pragma once

#include "models/scheduler/scheduler.hpp"
#include "models/scheduler/task.hpp"

#include <utility>

namespace mmsim {

class WakeQ {
 public:
  WakeQ() = default;
  WakeQ(const WakeQ&) = delete;
  WakeQ& operator=(const WakeQ&) = delete;

  bool empty() const { return first_ == nullptr; }

  void add(Task& task) {
    if (std::exchange(task.on_wake_q, true)) return;
    ++task.usage; // it may run and end before its wake-up comes
    *last_ = &task;
    last_ = &task.wake_q_next;
  }

  /// `core` wakes them in the order in which they were added.
  void wake_up(Scheduler& scheduler, Core& core) {
    Task* task = std::exchange(first_, nullptr);
    last_ = &first_;
    while (task != nullptr) {
      Task* const next = std::exchange(task->wake_q_next, nullptr);
      task->on_wake_q = false;
      scheduler.wake(core, *task);
      --task->usage;
      task = next;
    }
  }

 private:
  Task* first_ = nullptr;
  Task** last_ = &first_;
};

} // namespace mmsim
