#include "models/reclaim/swap_token.hpp"

#include "models/system.hpp"

#include <utility>

namespace mmsim {

void SwapTokenParameters::declare(Declaration& d, SwapTokenParameters& p) {
  d("kernel.swap_token", p.kind, "none",
    "which process reclaim spares while others thrash: none, each in turn (token), or who faults faster and "
    "faster "
    "(priority)",
    "mm/thrash.c: token from 2.6.9, priority from 2.6.20 to 3.4")
      .one_of({"none", "token", "priority"});
  d("kernel.swap_token_timeout", p.timeout, "300 s", "with token: how long a process may keep it",
    "mm/thrash.c of 2.6.9: SWAP_TOKEN_TIMEOUT, HZ * 300");
}

SwapToken::SwapToken(System& system, const Configuration& configuration)
    : system_(system), parameters_(read_parameters<SwapTokenParameters>(configuration)),
      kind_(parameters_.kind == "none"    ? Kind::none
            : parameters_.kind == "token" ? Kind::token
                                          : Kind::priority) {
  if (kind_ != Kind::none) lock_ = system.locks.make("swap_token_lock");
}

void SwapToken::grab(Task& task) {
  if (kind_ == Kind::token) grab_by_time(task);
  if (kind_ == Kind::priority) grab_by_priority(task);
}

void SwapToken::give(MmStruct& mm) {
  holder_ = &mm;
  system_.counters.add(Counter::swap_token);
}

void SwapToken::grab_by_time(Task& task) {
  MmStruct& mm = *task.mm;
  Core& core = task.core();
  core.settle();
  if (holder_ == &mm) {
    mm.swap_token.recent_pagein = true; // it still needs it
    return;
  }
  const Duration jiffy = system_.scheduler.jiffy();
  const std::int64_t jiffies = system_.scheduler.jiffies();
  if (jiffies <= next_check_ || jiffies < mm.swap_token.timeout) return; // or it has had it lately
  if (lock_->held()) return;                                             // spin_trylock()
  lock_->lock(core);
  next_check_ = jiffies + std::chrono::seconds(2) / jiffy; // SWAP_TOKEN_CHECK_INTERVAL
  MmStruct* const has = holder_;
  const std::int64_t timeout = jiffies + parameters_.timeout / jiffy;
  const bool released = has == nullptr || !std::exchange(has->swap_token.recent_pagein, false) ||
                        jiffies > has->swap_token.timeout;
  if (released) {
    if (has != nullptr) has->swap_token.timeout = timeout;
    mm.swap_token.timeout = timeout;
    give(mm);
  }
  lock_->unlock(core);
}

void SwapToken::grab_by_priority(Task& task) {
  MmStruct& mm = *task.mm;
  Core& core = task.core();
  core.settle();
  const std::uint64_t interval = ++global_faults_ - mm.swap_token.faultstamp;
  if (lock_->held()) return; // spin_trylock()
  lock_->lock(core);
  SwapTokenInfo& own = mm.swap_token;
  if (holder_ == nullptr) {
    own.priority += 2;
    give(mm);
  } else if (holder_ != &mm) {
    if (interval < own.last_interval)
      ++own.priority;
    else if (own.priority > 0)
      --own.priority;
    if (own.priority > holder_->swap_token.priority) {
      own.priority += 2;
      give(mm);
    }
  } else {
    own.priority += 2;
  }
  own.faultstamp = global_faults_;
  own.last_interval = interval;
  lock_->unlock(core);
}

void SwapToken::put(Core& core, MmStruct& mm) {
  if (kind_ == Kind::none || holder_ != &mm) return; // has_swap_token(), without the lock
  lock_->lock(core);
  core.settle();
  if (holder_ == &mm) holder_ = nullptr;
  lock_->unlock(core);
}

} // namespace mmsim
