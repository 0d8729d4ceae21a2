// RCU: readers who take no lock, and updaters who wait until all readers of now have left.
//
//   rcu.read_lock(core);                      // nobody else notices
//   ... read what updaters may unlink, read lines; do not sleep ...
//   rcu.read_unlock(core);
//
//   rcu.call(core, callback);                 // call_rcu(): callback.run(core) after a grace period
//   rcu.synchronize(task);                    // synchronize_rcu(): sleeps for one
//
// The RCU of kernels without preemption (CONFIG_PREEMPT=n, which arm64's defconfig is not: PREEMPT=y means
// PREEMPT_RCU, which is left out): a reader only counts preemption off, so a CPU has
// left all its readers when it switches tasks, runs user code or is idle. A grace period is over when every
// CPU has been seen there once: from schedule(), from ticks, or because it idles. Who keeps the books is
// kernel.rcu: `classic` (rcu_classic.cpp) or `tree` (rcu_tree.cpp).
//
// Callbacks run on the CPU that queued them, in its tick, after the handler's other work: where the kernel
// raises a softirq. At most kernel.rcu_blimit a go, and at most 10 goes a tick (MAX_SOFTIRQ_RESTART); more
// than 10000 on a CPU (qhimark) lift the limit. A CPU with callbacks keeps its tick while it idles
// (rcu_needs_cpu()), so a run ends only when all have run.
//
// Before the first call() nobody waits for anybody: until then no line is touched and no time passes for
// RCU, so that runs that do not use it do not depend on kernel.rcu.
//
// Left out: softirqs run with irqs on, here they are the end of the tick's handler with irqs off; ksoftirqd,
// which goes on where MAX_SOFTIRQ_RESTART stops (here the next tick does); the look at need_resched and idle
// between callbacks and the time limit of 5.10's rcu_do_batch(); qhimark's hysteresis (it raises rdp->blimit,
// to DEFAULT_MAX_RCU_BLIMIT in 5.10, until the queue is down to qlowmark; here the limit is off while the
// queue is longer than qhimark); urging CPUs on when callbacks pile up; expedited grace periods; rcu_bh, SRCU,
// preemptible RCU; CPU hotplug; no-callback CPUs.
#pragma once

#include "models/locks/rcu_callbacks.hpp"
#include "models/locks/spinlock.hpp"
#include "models/scheduler/cpu_observer.hpp"
#include "sim/engine/parameter.hpp"
#include "sim/machine/machine.hpp"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mmsim {

class Scheduler;
class Task;

/// What implementations are made of.
struct RcuMeans {
  Machine& machine;
  SpinLocks& locks;
  Scheduler& scheduler;
  const Configuration& configuration;
};

struct RcuParameters {
  std::string implementation;
  std::int64_t blimit, fanout_leaf, fanout, first_fqs, next_fqs;
  static void declare(Declaration& d, RcuParameters& p);
};
inline const DeclareParameters<RcuParameters> declared_rcu_parameters;

class Rcu : public CpuObserver {
 public:
  static constexpr std::string_view registry_path = "kernel.rcu";
  using Factory = std::function<std::unique_ptr<Rcu>(const RcuMeans&)>;

  explicit Rcu(const RcuMeans& means);

  /// rcu_read_lock(). Nests. Takes no time.
  void read_lock(Core& core) {
    core.preempt_disable();
    ++readers_[core.id().value()];
    if (observer_ != nullptr) observer_->acquired(core, reader());
  }
  /// rcu_read_unlock(). Takes no time of its own; what was done inside is settled. Throws Violation without a
  /// read_lock().
  void read_unlock(Core& core);
  bool in_reader(CoreId core) const { return readers_[core.value()] > 0; }

  /// call_rcu(). From tasks and from handlers.
  void call(Core& core, RcuCallback& callback);
  /// synchronize_rcu(). Throws Violation inside a reader: it would wait for itself, and wherever else nobody
  /// may sleep or wait for other cores.
  void synchronize(Task& task);

  /// Callbacks that have not run yet, on all CPUs.
  std::uint64_t queued() const;

  // From the scheduler.
  void schedules(Core& core) final;
  bool tick(Core& core, bool quiescent) final;
  bool enter_idle(Core& core) final { return idle_begins(core); }
  void exit_idle(Core& core) final { idle_ends(core); }

 protected:
  /// The first callback is about to be queued.
  virtual void first_use() {}
  /// With irqs off.
  virtual void enqueue(Core& core, RcuCallback& callback) = 0;
  /// The core has passed a quiescent state. Private to it: takes no time.
  virtual void quiescent_state(Core& core) = 0;
  /// The tick's look at what there is to do, and RCU's softirq. True: the running task must be rescheduled.
  virtual bool process(Core& core, bool quiescent) = 0;
  /// True: the tick goes on.
  virtual bool idle_begins(Core& core) = 0;
  virtual void idle_ends(Core& core) = 0;
  /// True if whoever may sleep is in a grace period already: there is only one CPU.
  virtual bool blocking_is_grace_period() const { return false; }

  /// Somebody has used RCU: from now on the books cost what they cost.
  bool in_use() const { return in_use_; }
  /// rcu_do_batch(), again and again within a tick's limits.
  void run_ready(Core& core, RcuCallbacks& ready);
  std::uint64_t queued_on(Core& core) const { return queued_[core.id().value()]; }
  /// Of so many callbacks, how many may run in one go.
  virtual std::uint64_t batch_limit(std::uint64_t queued) const;

  Machine& machine_;
  Scheduler& scheduler_;
  const RcuParameters parameters_;

 private:
  class Waiter;

  // rcu_lock_map: nobody waits for it, so it is told as tried.
  LockRequest reader() const { return {this, reader_class_, 0, LockMode::recursive, true}; }

  LockObserver* const observer_;
  const LockClassId reader_class_; // for lockdep: readers are not counted
  const WaitId grace_period_;      // for whom who synchronizes waits
  bool in_use_ = false;
  std::vector<std::uint32_t> readers_; // by CPU: how deep
  std::vector<std::uint64_t> queued_;  // by CPU
};

} // namespace mmsim
