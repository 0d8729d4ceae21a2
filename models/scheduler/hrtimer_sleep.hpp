// Sleeping until an instant.
//
//   HrtimerSleep sleep(machine, scheduler);    // after the scheduler, before the engine runs
//   sleep.until(task, now + 1_ms);             // the core is idle meanwhile, if nobody else wants it
//
// Models schedule_hrtimeout() of kernel/time/hrtimer.c, 5.10 (2.6.24 has it in kernel/hrtimer.c): the core's
// timer interrupt comes at the instant, hrtimer_interrupt() runs what has expired (hrtimer_wakeup()), and the
// task is runnable. The tick is the same interrupt of the same timer: each HrtimerSleep and Timeouts wakes its
// own and passes the interrupt on to who had it before, up to the scheduler, which does a tick if one is due.
// Left out: what programming the timer costs, and that a task that has moved keeps its timer on the core where
// it went to sleep.
#pragma once

#include "models/scheduler/scheduler.hpp"

#include <vector>

namespace mmsim {

class HrtimerSleep final : private InterruptHandler {
 public:
  HrtimerSleep(Machine& machine, Scheduler& scheduler);
  ~HrtimerSleep() override;

  /// `task` sleeps until `t`, which is booked as `account`; returns at once if that has passed. A signal does
  /// not wake it. It waits for what the caller has said, else for "a timer".
  void until(Task& task, Instant t, Account account = Account::schedule);

 private:
  class Expiry;
  void handle(Core& core) override; // hrtimer_interrupt()

  Machine& machine_;
  Scheduler& scheduler_;
  InterruptHandler& tick_;
  const WaitId timer_;
  std::vector<Expiry*> expired_; // by core: the last of those that the next interrupt wakes
};

} // namespace mmsim
