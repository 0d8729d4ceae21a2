// What the scheduler tells whoever must know when a CPU stands between two kernel paths: RCU, and TLB
// flush policies that wait for it.
//
// Timeline of a core:
//   schedules(core)            schedule() begins: the running task gives up the core, or offers to
//   tick(core, quiescent)      in the handler of each tick; `quiescent`: it interrupted user code or idle
//   enter_idle(core)           the idle task is about to wait for an interrupt; says whether the tick goes on
//   exit_idle(core)            it has taken one, and looks around
//
// Stands for the calls of rcu_note_context_switch(), rcu_sched_clock_irq(), rcu_needs_cpu(),
// rcu_idle_enter() and rcu_idle_exit() (names of 5.10) from kernel/sched and kernel/time.
#pragma once

#include <vector>

namespace mmsim {

class Core;

class CpuObserver {
 public:
  virtual ~CpuObserver() = default;
  virtual void schedules(Core& core) = 0;
  /// True: the running task must give up the core when it next can (set_tsk_need_resched()).
  virtual bool tick(Core& core, bool quiescent) = 0;
  /// With irqs on; may take time. True: the core must not stop its tick.
  virtual bool enter_idle(Core& core) = 0;
  virtual void exit_idle(Core& core) = 0;
};

/// Several, told one after the other.
class CpuObservers final : public CpuObserver {
 public:
  /// Before the engine runs.
  void add(CpuObserver& observer) { observers_.push_back(&observer); }
  void schedules(Core& core) override {
    for (CpuObserver* observer : observers_)
      observer->schedules(core);
  }
  bool tick(Core& core, bool quiescent) override {
    bool resched = false;
    for (CpuObserver* observer : observers_)
      resched |= observer->tick(core, quiescent);
    return resched;
  }
  bool enter_idle(Core& core) override {
    bool keeps_tick = false;
    for (CpuObserver* observer : observers_)
      keeps_tick |= observer->enter_idle(core);
    return keeps_tick;
  }
  void exit_idle(Core& core) override {
    for (CpuObserver* observer : observers_)
      observer->exit_idle(core);
  }

 private:
  std::vector<CpuObserver*> observers_;
};

} // namespace mmsim
