#include "models/reclaim/oom_kill_allocating_task.hpp"

namespace mmsim {

bool OomKillAllocatingTask::out_of_memory(Core*& core, unsigned, Gfp) {
  Task& current = means_.scheduler.running_on(*core);
  if (current.killed) return true; // task_will_free_mem()
  if (current.mm == nullptr) return false;
  means_.counters.add(Counter::oom_kill);
  means_.scheduler.kill(*core, *current.mm);
  return true;
}

namespace {
class DrainLocalPages final : public RemoteCall {
 public:
  explicit DrainLocalPages(PageAllocator& pages) : pages_(pages) {}
  void run(Core& core) override { pages_.drain_local_pages(core); }

 private:
  PageAllocator& pages_;
};
} // namespace

void OomKillAllocatingTask::drain_other_cpus(Core*& core) {
  CoreSet targets;
  for (std::uint32_t cpu = 0; cpu < means_.machine.cpus(); ++cpu)
    if (cpu != core->id().value() && means_.pages.has_pages_on_lists(CoreId(cpu))) targets.insert(CoreId(cpu));
  DrainLocalPages call(means_.pages);
  means_.calls.call(*core, targets, call);
}

} // namespace mmsim
