// Sleeping until an instant, as a program does with clock_nanosleep(TIMER_ABSTIME).
//
//   Nanosleep sleep(system);              // before the machine runs
//   sleep.until(task, task.now() + 1_ms);
//
// Models what schedule_hrtimeout() does (models/scheduler/hrtimer_sleep.hpp), for tasks of a scenario. Left
// out: entering and leaving the system call.
#pragma once

#include "models/scheduler/hrtimer_sleep.hpp"
#include "models/system.hpp"

namespace mmsim {

class Nanosleep {
 public:
  explicit Nanosleep(System& system);
  /// `task` sleeps until `t`; returns at once if that has passed.
  void until(Task& task, Instant t);

 private:
  HrtimerSleep timer_;
};

} // namespace mmsim
