// Reclaim as operations of a run: `reclaim` for direct reclaim inside faults, `kswapd` for its passes.
//
//   std::optional<ReclaimOperations> reclaim_;
//   reclaim_.emplace(x);          // in start(), where the operations shall stand in the tables
//
// A direct reclaim is inside another operation of the same task, whose latency and accounts contain it.
#pragma once

#include "models/reclaim/reclaim_observer.hpp"
#include "scenarios/scenario.hpp"

#include <map>

namespace mmsim {

class ReclaimOperations final : public ReclaimObserver {
 public:
  explicit ReclaimOperations(Experiment& x);
  ~ReclaimOperations() override;
  void begin(Task& task, ReclaimBy by) override;
  void end(Task& task, ReclaimBy by) override;

 private:
  struct Running {
    OperationStart start;
    const char* inside; // the operation of the task that it interrupts
  };
  Experiment& x_;
  OperationId reclaim_, kswapd_;
  std::map<std::uint32_t, Running> running_; // by pid; a handful at a time, dozens of us each
};

} // namespace mmsim
