#include "models/locks/lock_holders.hpp"

#include "models/scheduler/task.hpp"

#include <spdlog/fmt/fmt.h>
#include <utility>

namespace mmsim {

LockHolders::LockHolders(Counters& counters, const char* class_name)
    : counters_(counters), class_name_(class_name), lock_class_(counters.register_lock_class(class_name)) {}

void LockHolders::enter(Task& task, Kind kind, bool contended, Instant since) {
  const Instant now = task.now();
  ++task.usage;
  exclusive_ = kind == Kind::exclusive;
  holders_.push_back({&task, now});
  const CoreId core = task.core().id();
  counters_.lock_acquired(lock_class_, contended, now - since, std::exchange(last_core_, core) != core);
}

void LockHolders::leave(Task& task) {
  const std::size_t position = position_of(task);
  counters_.lock_released(lock_class_, task.now() - holders_[position].since);
  holders_[position] = holders_.back();
  holders_.pop_back();
  exclusive_ = false;
  --task.usage;
}

void LockHolders::share() { exclusive_ = false; }

std::size_t LockHolders::position_of(const Task& task) const {
  for (std::size_t i = holders_.size(); i-- > 0;)
    if (holders_[i].task == &task) return i;
  return holders_.size();
}

std::string LockHolders::describe() const {
  if (holders_.empty()) return "held by nobody";
  const Task& task = *holders_[0].task;
  std::string text =
      fmt::format("held for {} by task {} ({})", exclusive_ ? "writing" : "reading", task.pid, task.name);
  if (holders_.size() > 1) text += fmt::format(" and {} more", holders_.size() - 1);
  return text;
}

} // namespace mmsim
