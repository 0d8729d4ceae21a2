// Out of memory: the process that it is best to lose.
//
//   if (oom.out_of_memory(task)) ...           // somebody dies, or is dying: try again
//   oom.pagefault_out_of_memory(task);         // a fault has found no memory
//
// Models out_of_memory(), select_bad_process() and oom_kill_process() of mm/oom_kill.c. kernel.oom_badness:
//   rss        5.10, oom_badness(): pages in memory, in swap and of page tables; of equals the younger process
//   total_vm   2.6.24, badness(): the size of the address space; of equals the older one
// With kernel.oom_kill_allocating_task (vm.oom_kill_allocating_task) it is the process that asked. All tasks of the
// victim's address space get SIGKILL and are oom_victims: no watermark counts for them, and their allocations may fail.
// While a victim is dying nobody else is chosen, unless it has not gone after a second: then it is passed over
// (MMF_OOM_SKIP), so that a victim that waits for who asks for memory cannot stop everything. In 5.10 it is dying as long
// as its address space holds memory, in 2.6.24 until its tasks have let go of that (exit_mm()). A task that is killed
// already, and asks, becomes a victim itself. Kernel threads are never chosen. Who finds another one choosing, or a
// victim dying, sleeps for a tick (2.6.24: try_set_zone_oom(), and at the end of out_of_memory(); 5.10: oom_lock, while a
// dying victim has it try again at once).
//
// kernel.oom_spares_swap: out_of_memory() of 2.4 to 2.6.7 kills nobody as long as swap has room ("always"): who asked
// tries again, after SCHED_YIELD in 2.4.18's __alloc_pages(), after blk_congestion_wait(WRITE, HZ/50) in 2.6.0's. So
// memory that is pinned while swap is free stops everything, which is why the check went. A kernel that kills may have
// kernel.rmap = "scan" only in the model: there reclaim by walks (2.4.18's, vmscan_max_mapped.cpp) relied on the check,
// as a reclaim that has freed nothing may have aged much. Hence the default "scan"; "never" has it kill all the same.
//
// If there is nobody to kill, the allocation fails (the kernel panics), and the process whose fault that was dies.
//
// Costs: machine.work.oom_task a process. The decision is logged at level warn and kept (kills()).
//
// Left out: that 2.4 and 2.6.0 count failures first (ten, over a second, none for five seconds after a kill);
// oom_score_adj, oom_adj, nice values and capabilities; of badness() the half that children add (the model
// keeps no parents), CPU time in units of eight seconds and run time in units of a thousand; the OOM reaper (4.6), which
// would take the victim's memory while it cannot exit; the notifier chain; memory cgroups; in 2.6.24 that one thread of
// the victim alone may have the reserves.
#pragma once

#include "models/reclaim/congestion.hpp"
#include "sim/engine/parameter.hpp"

#include <string>
#include <vector>

namespace mmsim {

class MmStruct;
class System;

struct OomParameters {
  std::string badness, spares_swap;
  bool kill_allocating_task;
  static void declare(Declaration& d, OomParameters& p);
};
inline const DeclareParameters<OomParameters> declared_oom_parameters;

class OomKiller {
 public:
  /// What it has decided.
  struct Kill {
    std::uint32_t pid;
    std::string name;
    std::uint64_t points; ///< how bad it was, in pages
    std::string asked_by;
    Instant when;
  };

  OomKiller(System& system, Timeouts& timeouts, const Configuration& configuration);

  /// out_of_memory(), by `task`, which stays on its core and may sleep. False if there is nobody to kill.
  bool out_of_memory(Task& task);
  /// pagefault_out_of_memory() of 5.10; do_exit() of the process in 2.6.24's fault handlers.
  void pagefault_out_of_memory(Task& task);
  /// kernel.oom_spares_swap, where kernel.rmap can find mappings or cannot.
  bool spares_swap(bool finds_mappings) const {
    return parameters_.spares_swap == "always" || (parameters_.spares_swap == "scan" && !finds_mappings);
  }
  /// The first few, for reports.
  const std::vector<Kill>& kills() const { return kills_; }

 private:
  struct Victim {
    Task* task = nullptr; ///< the process's oldest task
    std::uint64_t points = 0;
    bool dying = false; ///< there is one already
  };
  std::uint64_t badness(MmStruct& mm) const;
  Victim select_bad_process(Core& core);
  void kill_process(Task& asking, Task& victim, std::uint64_t points);
  void mark_victims(const MmStruct& mm);
  bool passed_over(const MmStruct& mm) const;
  bool somebody_is_dying() const;

  System& system_;
  Timeouts& timeouts_;
  const OomParameters parameters_;
  const WaitId event_;    // for whom who asked waits
  bool choosing_ = false; // oom_lock
  std::vector<Kill> kills_;
  struct Dying {
    std::uint32_t mm;
    Instant since;
  };
  std::vector<Dying> dying_; // at most a few: those that have not gone yet, and some that have
};

} // namespace mmsim
