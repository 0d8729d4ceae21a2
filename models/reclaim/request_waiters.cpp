#include "models/reclaim/request_waiters.hpp"

namespace mmsim {

void RequestWaiters::wait(Task& task) {
  Waiting self{task};
  waiting_.push_back(&self);
  for (;;) {
    scheduler_.set_current_state(task);
    if (self.woken) break;
    scheduler_.block(task, Account::io, nullptr);
  }
}

void RequestWaiters::wake_one(Core& core) {
  if (waiting_.empty()) return;
  Waiting& first = *waiting_.front();
  waiting_.pop_front();
  Task& task = first.task; // his stack may go once he is woken
  first.woken = true;
  scheduler_.wake(core, task);
}

void RequestWaiters::wake_all(Core& core) {
  for (std::size_t left = waiting_.size(); left > 0; --left)
    wake_one(core);
}

} // namespace mmsim
