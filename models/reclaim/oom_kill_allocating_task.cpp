#include "models/reclaim/oom_kill_allocating_task.hpp"

namespace mmsim {

bool OomKillAllocatingTask::out_of_memory(Core*& core, unsigned, Gfp) {
  Task& current = scheduler_.running_on(*core);
  if (current.killed) return true; // task_will_free_mem()
  if (current.mm == nullptr) return false;
  counters_.add(Counter::oom_kill);
  scheduler_.kill(*core, *current.mm);
  return true;
}

} // namespace mmsim
