// Run queues, ticks, migration and the context switch.
//
//   scheduler.spawn(core, name, mm, on, body);              // wake_up_new_task
//   scheduler.set_current_state(current);                   // from now on wake-ups count
//   if (!condition)                                         // what whoever wakes us has made true
//     scheduler.block(current, Account::lock_sleep, &lock); // sleep until wake()
//   scheduler.wake(core, task);                             // try_to_wake_up, from any core
//
// Models kernel/sched.c of 2.6.24 and kernel/sched/core.c of 5.10 as memory management feels them: a run
// queue a core under its lock, schedule() with context_switch() in the kernel's order (active_mm borrowed and
// mm_count taken on the way to a kernel thread, dropped after the switch), reschedule interrupts, ticks of
// busy cores that end time slices, and load balancing that moves tasks to idle cores. Kernels without
// preemption (arm64's defconfig has PREEMPT=y, this is 5.10 with it off): a task leaves the core when it
// sleeps, when it returns to user mode, or at an explicit resched point. Where a task goes that is woken says
// kernel.wake_placement (wake_placement.cpp). Tasks that are bound (Task::bound) never leave their core.
//
// Left out: priorities and fairness (round robin), scheduling domains but the die in wake_placement.cpp,
// balancing on behalf of idle cores whose tick stands still (nohz), placement of new tasks (who makes one says
// where), cond_resched() inside long system calls; schedule() of a task that was woken on its way there, which
// goes through the run queue (block() returns at once).
#pragma once

#include "models/locks/spinlock.hpp"
#include "models/scheduler/cpu_observer.hpp"
#include "models/scheduler/task.hpp"
#include "sim/engine/random.hpp"
#include "sim/machine/machine.hpp"

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace mmsim {

/// What the address-space layer does when a core changes from one task to another. Called with irqs off.
class MmSwitcher {
 public:
  virtual ~MmSwitcher() = default;
  /// `next` is a user task: its mm becomes the core's.
  virtual void switch_mm(Core& core, MmStruct* previous, MmStruct* next) = 0;
  /// `next` is a kernel thread: decides which mm it borrows and takes a reference on it, unless another
  /// kernel thread hands its own on (`from_user` false). Returns the mm.
  virtual MmStruct* enter_kernel_thread(Core& core, MmStruct* previous, bool from_user) = 0;
  /// After the switch: the reference that a kernel thread held on what it had borrowed goes.
  virtual void drop_borrowed(Core& core, MmStruct* mm) = 0;
  /// True if a kernel thread hands what it has borrowed on to the next one together with its reference; false
  /// if each takes and drops its own.
  virtual bool hands_on() const { return true; }
};

struct SchedulerParameters {
  std::int64_t hz;
  Duration time_slice, balance_interval;
  std::string wake_placement;
  static void declare(Declaration& d, SchedulerParameters& p);
};
inline const DeclareParameters<SchedulerParameters> declared_scheduler_parameters;

class SleepingLocks;

class Scheduler final : private InterruptHandler {
 public:
  Scheduler(Machine& machine, SpinLocks& locks, MmSwitcher& switcher, const Configuration& configuration,
            RandomStream tick_phases);
  ~Scheduler() override;

  /// Starts the idle tasks, which run on `init_mm`. Before everything else.
  void boot(MmStruct* init_mm);

  /// wake_up_new_task, run by `core`: a new task with body, files and who waits in vfork() on the queue of
  /// `on`. Dead when the body returns.
  Task& spawn(Core& core, std::string name, MmStruct* mm, CoreId on, std::function<void(Task&)> body,
              Fiber::Kind kind = Fiber::Kind::worker, SlabObject files = no_object,
              std::shared_ptr<Completion> vfork_done = nullptr);
  /// The same before the engine runs, at no cost.
  Task& spawn_at_boot(std::string name, MmStruct* mm, CoreId on, std::function<void(Task&)> body,
                      Fiber::Kind kind = Fiber::Kind::worker);
  /// kthread_create(): a kernel thread that lives as long as the machine and sleeps until its first wake().
  Task& kthread_create(std::string name, CoreId on, std::function<void(Task&)> body);
  /// set_current_state(TASK_UNINTERRUPTIBLE): `current` is about to sleep. From now on a wake() lets the next
  /// block() return at once; what woke it before is forgotten, since waking a running task does nothing. Who
  /// waits looks at what it waits for after this and before block(), or whoever wakes it holds a lock that
  /// it holds too.
  void set_current_state(Task& current) { current.wake_pending = false; }
  /// __set_current_state(TASK_RUNNING) between the two: the next block() returns at once.
  void set_running(Task& current) { current.wake_pending = true; }
  /// `current` sleeps until wake(). `on` is named in deadlock reports. Returns at once if it was woken since
  /// set_current_state(); who does without that must expect to be woken for what is long over.
  void block(Task& current, Account account, const Waitable* on);
  /// Makes `task` runnable. `core` is the one that runs this code.
  void wake(Core& core, Task& task);
  /// SIGKILL for every task of `mm`, by `core`: they are marked, woken where they sleep killably, and kicked
  /// off where other cores run them (complete_signal() and signal_wake_up() of kernel/signal.c).
  void kill(Core& core, const MmStruct& mm);
  /// set_cpus_allowed() with a mask of one CPU, by `core`: `task` is bound to `to`. If it waits on a queue it
  /// is moved at once (move_queued_task()), if it sleeps it wakes there, and if a core runs it, that core is
  /// told to give it away at its next schedule(). Left out: the stopper (2.6.24: migration) thread in
  /// between, and that the caller waits for it.
  void set_cpu_allowed(Core& core, Task& task, CoreId to);
  /// Gives the core to the next runnable task, if there is one.
  void yield(Task& current);
  /// Where the kernel looks at need_resched: on return to user mode and in cond_resched().
  void resched_point(Task& current);

  /// The task that `core` runs, or that an interrupt there has stopped.
  Task& running_on(const Core& core) { return *queue_of(core).current; }
  /// Tells `observer` from now on. Before the engine runs.
  void observe(CpuObserver& observer) { cpu_observer_ = &observer; }
  /// The flag of the task that runs on `core`.
  bool need_resched(const Core& core) const { return queues_[core.id().value()]->need_resched; }
  /// Timer ticks since the start of time.
  std::int64_t jiffies() const { return machine_.engine().now().time_since_epoch() / jiffy_; }
  /// The length of one.
  Duration jiffy() const { return jiffy_; }
  /// What this kernel's mutexes and rw_semaphores share.
  SleepingLocks& sleeping_locks() { return *sleeping_locks_; }

  /// Tasks that must end before the machine is quiet: neither idle tasks nor daemons.
  std::size_t alive() const { return alive_; }
  /// Tasks that run or wait on a queue, without idle tasks: for figures.
  std::size_t runnable() const;
  /// Shows every task that is not gone yet, for checks.
  template <class Visit>
  void for_each_task(Visit&& visit) const {
    for (const auto& [pid, task] : tasks_)
      visit(*task);
  }
  /// Called when the last of them has ended.
  std::function<void()> on_quiet;

 private:
  class Timer;
  struct RunQueue {
    std::unique_ptr<SpinLock> lock;
    boost::intrusive::list<Task> tasks; // runnable, not running
    Task* current = nullptr;
    Task* idle = nullptr;
    Task* to_finish = nullptr;    // whom the switch left
    MmStruct* borrowed = nullptr; // prev_mm: what he had borrowed
    bool need_resched = false;
    Instant next_balance{};
    Instant slice_end{};
    Instant switch_began{}; // when schedule() last had the lock
    // What idle_cpu() reads of the queue: curr and nr_running. Its stores are among those that switch_registers and
    // enqueue stand for, unless another core has looked since the last one: then the line has to be taken back.
    CacheLine idle_line{"curr and nr_running of a run queue"};
    bool looked_at = false;
    std::unique_ptr<Timer> timer;
  };
  RunQueue& queue_of(const Core& core) { return *queues_[core.id().value()]; }

  void handle(Core& core) override; // the tick
  Task& create(std::string name, MmStruct* mm, CoreId on, std::function<void(Task&)> body, Fiber::Kind kind);
  void run_body(Task& task, const std::function<void(Task&)>& body);
  void schedule(Task& current);
  void switch_to(Task& previous, Task& next);
  void finish_switch(Task& next);
  void idle_loop(Task& idle);
  void wait_idle(Core& core, RunQueue& queue);
  void enqueue_and_kick(Core& core, Task& task);
  bool available_idle_cpu(Core& core, CoreId cpu);
  CoreId select_idle_sibling(Core& core, CoreId target);
  void place_woken(Core& core, Task& task);
  void idle_changes(Core& core, RunQueue& queue);
  static void set_task_cpu(Core& core, Task& task, Core& to);
  void set_on_cpu(Core& core, Task& task, bool value);
  void bury(Task& task);
  void pull_task(Core& core, RunQueue& own);

  class RescheduleHandler;
  Machine& machine_;
  MmSwitcher& switcher_;
  LockObserver* const lock_observer_;
  SchedulerParameters parameters_;
  CpuObserver* cpu_observer_ = nullptr;
  const Duration jiffy_;
  std::unique_ptr<RescheduleHandler> reschedule_;
  std::vector<std::unique_ptr<RunQueue>> queues_;
  std::unordered_map<std::uint32_t, std::unique_ptr<Task>> tasks_; // by pid
  std::vector<Task*> zombies_; // dead, but somebody may still look at them
  std::unique_ptr<SleepingLocks> sleeping_locks_;
  std::uint32_t next_pid_ = 0;
  std::size_t alive_ = 0;
};

} // namespace mmsim
