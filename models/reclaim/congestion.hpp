// Waiting for something with a time limit, and for devices: wait queues of reclaim.
//
//   WaitQueue queue;
//   queue.sleep(timeouts, task, task.now() + 100_ms, Account::io);    // until wake_all(), or the limit
//   congestion.wait(task, Congestion::tenth_of_a_second);             // congestion_wait(WRITE, HZ/10)
//
// Models wait_event_timeout() as far as throttle_direct_reclaim() needs it, and congestion_wait() of mm/backing-dev.c
// (2.6.24 and 5.10), io_schedule_timeout() on the queue that who ends a device's congestion wakes. 2.6.24's request
// queues are congested with writes for a while (block_device.hpp); the interrupt of the write that ends it, whichever
// device's (cleared()), wakes who waits. Since 5.0 no queue of blk-mq is ever congested: in 5.10 each congestion_wait()
// lasts as long as it may, and wait_iff_congested() only gives way.
//
// The limits are in seconds, whatever kernel.hz, as HZ/10 is.
//
// Left out: congestion of reads (congestion_wqh[READ]), for which nothing here waits; exclusive waiters; what is left of
// the time for who was woken.
#pragma once

#include "models/scheduler/schedule_timeout.hpp"
#include "sim/engine/function_ref.hpp"
#include "sim/machine/cache_line.hpp"

#include <boost/intrusive/list.hpp>

namespace mmsim {

class WaitQueue {
 public:
  explicit WaitQueue(const char* name) : line_(name) {}

  /// `task`, which must stay on its core meanwhile. True if it was woken, or killed where that counts.
  bool sleep(Timeouts& timeouts, Task& task, Instant until, Account account,
             Sleep how = Sleep::uninterruptible);
  /// wait_event_killable(): until `condition`, looked at from the queue, or killed. Whoever makes it true wakes all.
  void wait_event_killable(Timeouts& timeouts, Task& task, Account account, FunctionRef<bool()> condition);
  void wake_all(Scheduler& scheduler, Core& core);
  /// waitqueue_active().
  bool active() const { return !waiters_.empty(); }

 private:
  using Hook = boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;
  /// On the stack of the task that waits.
  struct Waiter : Hook {
    explicit Waiter(Task& task) : task(task) {}
    Task& task;
    bool woken = false;
  };
  using Waiters = boost::intrusive::list<Waiter, boost::intrusive::constant_time_size<false>>;
  CacheLine line_;
  Waiters waiters_;
};

class Congestion {
 public:
  static constexpr Duration tenth_of_a_second = std::chrono::milliseconds(100);
  static constexpr Duration fiftieth_of_a_second = std::chrono::milliseconds(20);

  /// `ends_early`: a request queue can be congested, and then no longer (to 4.x).
  Congestion(Timeouts& timeouts, Scheduler& scheduler, bool ends_early)
      : timeouts_(timeouts), scheduler_(scheduler), ends_early_(ends_early),
        event_(timeouts.event("congestion_wait")) {}

  /// congestion_wait().
  void wait(Task& task, Duration limit);
  /// The end of clear_queue_congested(): a write has ended, in its interrupt, and congestion has been over so many times
  /// since the start (BlockLayer).
  void cleared(Core& core, std::uint64_t times);

 private:
  Timeouts& timeouts_;
  Scheduler& scheduler_;
  const bool ends_early_;
  const WaitId event_;     // it is nobody's device: any write's end may be the end of it
  std::uint64_t told_ = 0; // of those times
  WaitQueue queue_{"congestion_wqh"};
};

} // namespace mmsim
