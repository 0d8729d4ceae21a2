// Out of memory: the task that asked is the one that dies.
//
//   OomKillAllocatingTask oom({scheduler, counters, machine, pages, calls});
//   pages.set_reclaim(oom);
//
// Models out_of_memory() of mm/oom_kill.c with vm.oom_kill_allocating_task = 1, in 2.6.24 and 5.10: the process
// that allocates gets SIGKILL, all its threads with it (oom_kill_process() -> __oom_kill_process()), and from
// then on is `dying`: it may have the reserves, and its allocations may fail. A task that is killed already is
// not killed again; kernel threads never are, so their allocations fail. Nothing is reclaimed before:
// wakeup_kswapd() and try_to_free_pages() do nothing, which belongs to reclaim. So does the choice of a victim
// by badness, which is what happens without that sysctl.
//
// Before that other CPUs' lists are drained, by a cross-call as drain_all_local_pages() of 2.6.24 does it; those with
// empty lists are left alone, as since 3.3. (5.10 has a work item on each CPU drain its own.)
//
// Left out: oom_lock and the notifier chain; the OOM reaper; that 2.6.24 lets only one thread of the victim
// have the reserves (TIF_MEMDIE), here all of them do.
#pragma once

#include "models/pages/page_allocator.hpp"
#include "models/scheduler/cross_call.hpp"
#include "models/scheduler/scheduler.hpp"

namespace mmsim {

/// What it is made of.
struct OomMeans {
  Scheduler& scheduler;
  Counters& counters;
  Machine& machine;
  PageAllocator& pages;
  CrossCalls& calls;
};

class OomKillAllocatingTask final : public ReclaimHooks {
 public:
  explicit OomKillAllocatingTask(const OomMeans& means) : means_(means) {}

  void wake_kswapd(Core&, Zone&, unsigned) override {}
  std::uint64_t try_to_free_pages(Core*&, unsigned, Gfp) override { return 0; }
  bool out_of_memory(Core*& core, unsigned order, Gfp gfp) override;
  bool dying(Core& core) override { return means_.scheduler.running_on(core).killed; }
  void drain_other_cpus(Core*& core) override;

 private:
  const OomMeans means_;
};

} // namespace mmsim
