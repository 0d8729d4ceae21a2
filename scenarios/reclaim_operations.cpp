#include "scenarios/reclaim_operations.hpp"

namespace mmsim {

ReclaimOperations::ReclaimOperations(Experiment& x)
    : x_(x), reclaim_(x.operation("reclaim", Experiment::Occurs::perhaps)),
      kswapd_(x.operation("kswapd", Experiment::Occurs::perhaps)) {
  x.system().reclaim.observer = this;
}

ReclaimOperations::~ReclaimOperations() { x_.system().reclaim.observer = nullptr; }

void ReclaimOperations::begin(Task& task, ReclaimBy by) {
  const char* inside = task.fiber->operation;
  running_.emplace(task.pid, Running{x_.begin(task, by == ReclaimBy::direct ? "reclaim" : "kswapd"), inside});
}

void ReclaimOperations::end(Task& task, ReclaimBy by) {
  const auto running = running_.find(task.pid);
  x_.end(by == ReclaimBy::direct ? reclaim_ : kswapd_, running->second.start, task);
  task.fiber->operation = running->second.inside;
  running_.erase(running);
}

} // namespace mmsim
