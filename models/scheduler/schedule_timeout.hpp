// Sleeping for a while at most.
//
//   Timeouts timeouts(machine, scheduler);                      // after the scheduler, before the engine runs
//   if (timeouts.sleep(task, task.now() + 100_ms, Account::io, &woken)) ... // somebody has set it and woken the task
//
// Models schedule_timeout(), io_schedule_timeout() and their uninterruptible and killable forms (kernel/timer.c of
// 2.6.24, kernel/time/timer.c of 5.10): the core's timer interrupt comes at the instant, and the task is runnable.
// The scheduler's tick shares that interrupt: hrtimer_sleep.hpp.
// Left out: that jiffies' timers expire with a tick; what setting the timer costs (machine.work.wake has the wake-up).
#pragma once

#include "models/scheduler/scheduler.hpp"

#include <boost/intrusive/list.hpp>
#include <string_view>
#include <vector>

namespace mmsim {

/// May a SIGKILL end the sleep: TASK_KILLABLE, TASK_UNINTERRUPTIBLE.
enum class Sleep : std::uint8_t { uninterruptible, killable };

class Timeouts final : private InterruptHandler {
 public:
  Timeouts(Machine& machine, Scheduler& scheduler);
  ~Timeouts() override;

  /// Whom those wait for who sleep until something of that name happens: for WaitFor, once, not once a wait.
  WaitId event(std::string_view name) { return machine_.wait_names().id(WaitKind::sleep, name); }

  /// `task`, which must stay on its core meanwhile, sleeps until `t`, until somebody has set `woken` (may be null) and
  /// woken it, or is killed. True if it was not `t` that ended it. Instant::max(): without a limit.
  /// Waits for what the caller has said, else for "a timeout".
  bool sleep(Task& task, Instant t, Account account, const bool* woken = nullptr,
             Sleep how = Sleep::uninterruptible);

 private:
  class Expiry;
  using Hook = boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;
  struct Expired : Hook {};
  using ExpiredList = boost::intrusive::list<Expired, boost::intrusive::constant_time_size<false>>;
  void handle(Core& core) override;

  Machine& machine_;
  Scheduler& scheduler_;
  InterruptHandler& tick_;
  const WaitId timeout_;
  std::vector<ExpiredList> expired_; // by core: whom the next interrupt wakes
};

} // namespace mmsim
