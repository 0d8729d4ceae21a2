// A task: what the scheduler switches between. A thread of a process, a kernel thread, or a core's idle task.
//
// Models task_struct as far as memory management sees it: mm and active_mm, the CPU it is on, whether it must
// be rescheduled. Left out: priorities, credentials, signals, and of files all but their memory (the cost is
// in the cost book's task_create).
#pragma once

#include "models/address_space/task_vma_cache.hpp"
#include "models/locks/lock_observer.hpp"
#include "models/locks/spin_watch.hpp"
#include "models/pages/slab_object.hpp"
#include "sim/engine/fiber.hpp"
#include "sim/machine/core.hpp"
#include "sim/record/ledger.hpp"

#include <boost/intrusive/list.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace mmsim {

class Completion;
class MmStruct;

/// Links a task into a run queue.
using RunHook = boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::safe_link>>;

/// task_struct's on_cpu, which waiters for a lock watch while its owner runs.
struct OnCpu {
  CacheLine line{"on_cpu of a task"};
  SpinWatchers watchers;
  bool value = false;
  bool looked_at = false; ///< another core has a copy of the line; the next store must take it back
};

class Task : public RunHook {
 public:
  enum class State : std::uint8_t {
    running, ///< on a core or on a run queue
    blocked, ///< waits for a wake-up
    dead
  };

  Task(std::uint32_t pid, std::string name) : pid(pid), name(std::move(name)) {}

  /// The core that runs it. It may be another one after every point that can sleep or be preempted.
  Core& core() const { return *core_; }
  Instant now() const { return core_->now(); }

  const std::uint32_t pid;
  const std::string name;
  MmStruct* mm = nullptr;                 ///< its address space; null for kernel threads
  MmStruct* active_mm = nullptr;          ///< the one whose tables the core uses while it runs
  std::shared_ptr<Completion> vfork_done; ///< its parent waits until it no longer uses the parent's mm
  SlabObject files = no_object; ///< its files_struct; none if it is there at boot or a kernel thread
  State state = State::running;
  bool idle = false;
  bool daemon = false; ///< lives as long as the machine
  bool running_on_core = false;
  bool on_queue = false;
  bool wake_pending = false;  ///< woken since set_current_state(): it will not sleep
  bool bound = false;         ///< must stay on its core
  Core* leaves_for = nullptr; ///< where it must go on once its core has switched away: set_cpus_allowed()
  bool killed = false;        ///< SIGKILL is pending: it ends where it would return to user mode
  bool killable = false;      ///< it sleeps such that SIGKILL wakes it: TASK_KILLABLE
  bool memalloc = false;      ///< PF_MEMALLOC: it reclaims, and may have all that is free for that
  bool oom_victim = false;    ///< TIF_MEMDIE, tsk_is_oom_victim(): it dies so that there is memory
  bool in_user_mode = false;  ///< its core executes user code: what interrupts it finds no kernel path
  Ledger ledger;
  Ledger::Snapshot at_switch_in; ///< the books at the instant at which a core last switched to it
  /// Operations of other tasks go on in this one from there: its waits since then are kept, under that mark.
  bool takes_operations_over = false;
  WaitLog::Mark waits_at_switch_in = 0;
  Fiber* fiber = nullptr;
  Account blocked_account = Account::schedule; ///< what its sleep is booked as
  WaitId blocked_for;                          ///< and as waiting for whom
  const Waitable* waits_for = nullptr;         ///< named in deadlock reports while it sleeps
  HeldLocks held_locks;                        ///< sleeping locks, kept by lockdep
  OnCpu on_cpu;
  TaskVmaCache vmacache;
  std::uint32_t usage = 0;     ///< who may still look at it once it is dead (TaskReference, held locks)
  Task* wake_q_next = nullptr; ///< behind it in a WakeQ
  bool on_wake_q = false;
  // What balance_dirty_pages() knows of it (reclaim/writeback.hpp):
  std::uint64_t nr_dirtied = 0, nr_dirtied_pause = 32;
  Instant dirty_paused_when{};

 private:
  friend class Scheduler;
  Core* core_ = nullptr;
};

/// get_task_struct() and put_task_struct(): the task outlives this.
class TaskReference {
 public:
  explicit TaskReference(Task& task) : task_(task) { ++task_.usage; }
  ~TaskReference() { --task_.usage; }
  TaskReference(const TaskReference&) = delete;
  TaskReference& operator=(const TaskReference&) = delete;

 private:
  Task& task_;
};

} // namespace mmsim
