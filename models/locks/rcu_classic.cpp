// Classic RCU: one control block for all CPUs.
//
// Models kernel/rcupdate.c of 2.6.24 (kernel/rcuclassic.c from 2.6.25 on). A grace period is a batch with a
// number; rcu_ctrlblk has the number of the current and of the last completed one, and under its lock the
// mask of the CPUs that have not passed a quiescent state yet. Steps of a CPU, in its tick
// (update_process_times -> rcu_pending, rcu_check_callbacks) and the softirq that it raises
// (__rcu_process_callbacks):
//   callbacks of a completed batch move from cur to done; those on nxt move to cur, wait for the batch after
//   the current one and have it started (rcu_start_batch);
//   a batch that is new to the CPU is noticed; at a later tick, if the CPU has passed a quiescent state
//   since, it clears its bit under the lock (cpu_quiet), and whoever clears the last completes the batch and
//   starts the next;
//   done callbacks run.
// CPUs that idle without a tick are in nohz_cpu_mask and are not waited for; one that is waited for, or that
// has callbacks, keeps its tick (rcu_needs_cpu).
//
// Lock and mask share a line, and the numbers are on another (____cacheline_internodealigned_in_smp).
// Left out: rcu_bh, and force_quiescent_state() beyond qhimark callbacks.

#include "models/locks/rcu.hpp"

namespace mmsim {

namespace {

class ClassicRcu final : public Rcu {
 public:
  explicit ClassicRcu(const RcuMeans& means)
      : Rcu(means), lock_(means.locks.make("rcu_ctrlblk.lock", &lock_line_)), cpus_(means.machine.cpus()) {}

 private:
  struct Cpu {
    std::uint64_t quiescent_batch = 0; // the batch that the CPU has noticed
    bool passed_quiescent = false, quiescence_pending = false;
    std::uint64_t batch = 0; // what `current` waits for
    RcuCallbacks next, current, done;
  };
  Cpu& cpu_of(const Core& core) { return cpus_[core.id().value()]; }

  void enqueue(Core& core, RcuCallback& callback) override { cpu_of(core).next.push(callback); }
  void quiescent_state(Core& core) override { cpu_of(core).passed_quiescent = true; } // rcu_qsctr_inc()

  bool process(Core& core, bool quiescent) override {
    core.read(numbers_line_);
    if (!pending(cpu_of(core))) return false;
    if (quiescent) quiescent_state(core); // rcu_check_callbacks()
    process_callbacks(core, cpu_of(core));
    return false;
  }

  // rcu_pending()
  bool pending(const Cpu& cpu) const {
    return (!cpu.current.empty() && completed_ >= cpu.batch) || (cpu.current.empty() && !cpu.next.empty()) ||
           !cpu.done.empty() || cpu.quiescent_batch != current_batch_ || cpu.quiescence_pending;
  }
  // rcu_needs_cpu()
  bool needs_tick(const Cpu& cpu) const { return in_use() && (!cpu.current.empty() || pending(cpu)); }

  // __rcu_process_callbacks()
  void process_callbacks(Core& core, Cpu& cpu) {
    core.charge(core.costs().work.rcu_core, Account::work);
    core.read(numbers_line_);
    if (!cpu.current.empty() && completed_ >= cpu.batch) cpu.done.take(cpu.current);
    if (!cpu.next.empty() && cpu.current.empty()) {
      cpu.current.take(cpu.next);
      cpu.batch = current_batch_ + 1;
      if (!next_pending_) {
        lock_->lock(core);
        core.write(numbers_line_);
        next_pending_ = true;
        start_batch(core);
        lock_->unlock(core);
      }
    }
    check_quiescent_state(core, cpu);
    if (!cpu.done.empty()) run_ready(core, cpu.done);
  }

  // rcu_start_batch(), under the lock, with the line of the numbers written to.
  void start_batch(Core& core) {
    if (!next_pending_ || completed_ != current_batch_) return;
    next_pending_ = false;
    ++current_batch_;
    core.write(lock_line_);
    core.read(nohz_line_);
    waited_for_ = machine_.online();
    nohz_cpu_mask_.for_each([this](CoreId id) {
      // irq_enter() takes a CPU out of the mask while it handles an interrupt.
      if (!machine_.core(id).in_interrupt()) waited_for_.erase(id);
    });
  }

  // rcu_check_quiescent_state()
  void check_quiescent_state(Core& core, Cpu& cpu) {
    core.read(numbers_line_);
    if (cpu.quiescent_batch != current_batch_) {
      cpu.quiescence_pending = true;
      cpu.passed_quiescent = false;
      cpu.quiescent_batch = current_batch_;
      return;
    }
    if (!cpu.quiescence_pending || !cpu.passed_quiescent) return;
    cpu.quiescence_pending = false;
    lock_->lock(core);
    core.read(numbers_line_);
    if (cpu.quiescent_batch == current_batch_) { // cpu_quiet()
      core.write(lock_line_);
      waited_for_.erase(core.id());
      if (waited_for_.empty() && completed_ != current_batch_) {
        core.write(numbers_line_);
        completed_ = current_batch_;
        core.counters().add(Counter::rcu_grace_periods);
        start_batch(core);
      }
    }
    lock_->unlock(core);
  }

  // tick_nohz_stop_sched_tick()
  bool idle_begins(Core& core) override {
    Cpu& cpu = cpu_of(core);
    if (in_use()) core.read(numbers_line_);
    if (needs_tick(cpu)) return true;
    if (in_use()) core.rmw(nohz_line_);
    // A batch that began meanwhile waits for this CPU: it must not stop its tick then.
    if (needs_tick(cpu)) return true;
    nohz_cpu_mask_.insert(core.id());
    return false;
  }
  void idle_ends(Core& core) override {
    if (!nohz_cpu_mask_.contains(core.id())) return;
    if (in_use()) core.rmw(nohz_line_);
    nohz_cpu_mask_.erase(core.id());
  }

  CacheLine numbers_line_{"rcu_ctrlblk.cur"};
  std::uint64_t current_batch_ = 0, completed_ = 0;
  bool next_pending_ = false;
  CacheLine lock_line_{"rcu_ctrlblk.lock"};
  std::unique_ptr<SpinLock> lock_;
  CoreSet waited_for_; // rcu_ctrlblk.cpumask
  CacheLine nohz_line_{"nohz_cpu_mask"};
  CoreSet nohz_cpu_mask_;
  std::vector<Cpu> cpus_;
};

const Registered<Rcu> classic{"classic", "one control block and mask for all CPUs (2.6.24)",
                              [](const RcuMeans& means) { return std::make_unique<ClassicRcu>(means); }};

} // namespace
} // namespace mmsim
