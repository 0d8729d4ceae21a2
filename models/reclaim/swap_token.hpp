// The swap token: one address space whose pages reclaim leaves alone for a while, so that somebody gets on when all
// are thrashing. Linux 2.6.9 to 3.4.
//
//   token.grab(task);                 // grab_swap_token(): a fault is about to read from swap
//   if (token.held_by(mm)) ...        // has_swap_token(): page_referenced() takes its pages for used
//   token.put(core, mm);              // put_swap_token(): the mm goes
//
// Models mm/thrash.c. kernel.swap_token:
//   none      there is none (5.10)
//   token     2.6.9: every two seconds at most the token goes to who asks, if its holder has not paged in since the
//             last look, or has had it for longer than kernel.swap_token_timeout
//   priority  2.6.20: it goes to who has the higher priority, which rises while one's faults come closer together
// swap_token_lock is only tried: who finds it taken goes on without.
//
// Left out: the ageing of priorities and the token of a memory cgroup (both 3.0).
#pragma once

#include "models/locks/spinlock.hpp"
#include "sim/engine/parameter.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace mmsim {

class MmStruct;
class System;
class Task;

struct SwapTokenParameters {
  std::string kind;
  Duration timeout;
  static void declare(Declaration& d, SwapTokenParameters& p);
};
inline const DeclareParameters<SwapTokenParameters> declared_swap_token_parameters;

class SwapToken {
 public:
  SwapToken(System& system, const Configuration& configuration);
  void grab(Task& task);
  void put(Core& core, MmStruct& mm);
  /// disable_swap_token(): reclaim has got nowhere at any priority but the last. Nobody has it then.
  void disable(Core& core) {
    if (holder_ != nullptr) put(core, *holder_);
  }
  bool held_by(const MmStruct& mm) const { return holder_ == &mm; }

 private:
  enum class Kind : std::uint8_t { none, token, priority };
  void grab_by_time(Task& task);
  void grab_by_priority(Task& task);
  void give(MmStruct& mm);

  System& system_;
  const SwapTokenParameters parameters_;
  const Kind kind_;
  std::unique_ptr<SpinLock> lock_;
  MmStruct* holder_ = nullptr;
  std::uint64_t global_faults_ = 0;
  std::int64_t next_check_ = 0; // swap_token_check, in jiffies
};

} // namespace mmsim
