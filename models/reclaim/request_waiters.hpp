// Who waits until a device has done a write: for room in its queue, or for less congestion.
//
//   while (device.in_flight(Transfer::write) >= limit) waiters.wait(task);   // get_request_wait(), blk_mq_get_tag()
//   waiters.wake_one(core);                                                 // in the interrupt that ends a write
//
// First come, first woken; what is slept is booked as `io`, for whom the caller has said (WaitFor). Left out: the
// queue's lock and line.
#pragma once

#include "models/scheduler/scheduler.hpp"

#include <deque>

namespace mmsim {

class RequestWaiters {
 public:
  explicit RequestWaiters(Scheduler& scheduler) : scheduler_(scheduler) {}

  /// `task`, the running one, sleeps until it is woken here.
  void wait(Task& task);
  void wake_one(Core& core);
  /// All who wait now; those who come back meanwhile wait for the next time.
  void wake_all(Core& core);

 private:
  /// On the stack of the task that waits.
  struct Waiting {
    Task& task;
    bool woken = false;
  };
  Scheduler& scheduler_;
  std::deque<Waiting*> waiting_;
};

} // namespace mmsim
