// Told of reclaim as it happens: bookkeeping, attached from outside, so that the paths stay readable.
//
//   system.reclaim.observer = &mine;        // null: nobody looks
//
// Both calls are made by the task that reclaims, on its core, with no spinlock held and irqs on; what they settle is
// settled there.
#pragma once

#include <cstdint>

namespace mmsim {

class Task;

enum class ReclaimBy : std::uint8_t {
  direct, ///< try_to_free_pages() of an allocation that found too little
  kswapd ///< balance_pgdat(): a pass over the node's zones at one priority, which under pressure follow each other
};

class ReclaimObserver {
 public:
  virtual ~ReclaimObserver() = default;
  virtual void begin(Task& task, ReclaimBy by) = 0;
  virtual void end(Task& task, ReclaimBy by) = 0;
};

} // namespace mmsim
