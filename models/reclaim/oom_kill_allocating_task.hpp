// Out of memory: the task that asked is the one that dies.
//
//   OomKillAllocatingTask oom(scheduler, counters);
//   pages.set_reclaim(oom);
//
// Models out_of_memory() of mm/oom_kill.c with vm.oom_kill_allocating_task = 1, in 2.6.24 and 5.10: the process
// that allocates gets SIGKILL, all its threads with it (oom_kill_process() -> __oom_kill_process()), and from
// then on is `dying`: it may have the reserves, and its allocations may fail. A task that is killed already is
// not killed again; kernel threads never are, so their allocations fail. Nothing is reclaimed before:
// wakeup_kswapd() and try_to_free_pages() do nothing, which belongs to reclaim. So does the choice of a victim
// by badness, which is what happens without that sysctl.
//
// Left out: oom_lock and the notifier chain; the OOM reaper; that 2.6.24 lets only one thread of the victim
// have the reserves (TIF_MEMDIE), here all of them do.
#pragma once

#include "models/pages/reclaim_hooks.hpp"
#include "models/scheduler/scheduler.hpp"

namespace mmsim {

class OomKillAllocatingTask final : public ReclaimHooks {
 public:
  OomKillAllocatingTask(Scheduler& scheduler, Counters& counters)
      : scheduler_(scheduler), counters_(counters) {}

  void wake_kswapd(Core&, Zone&, unsigned) override {}
  std::uint64_t try_to_free_pages(Core*&, unsigned, Gfp) override { return 0; }
  bool out_of_memory(Core*& core, unsigned order, Gfp gfp) override;
  bool dying(Core& core) override { return scheduler_.running_on(core).killed; }

 private:
  Scheduler& scheduler_;
  Counters& counters_;
};

} // namespace mmsim
