// Tree RCU: CPUs report to leaves, the last of a node to its parent, and a kernel thread keeps time.
//
// Models kernel/rcu/tree.c of 5.10 without preemption. The tree has rcu_nodes of up to fanout_leaf CPUs and
// fanout nodes (rcu_init_one; CPUs spread evenly over the leaves), each with its lock, its number of the
// grace period and the mask of whom it waits for (qsmask) on one line. Numbers (gp_seq) count in their upper
// bits; the lower two say whether a grace period is under way.
//
// A CPU, in its tick (rcu_sched_clock_irq) and the softirq that it raises if rcu_pending() (rcu_core):
//   notices at its leaf that a grace period has begun or ended (note_gp_changes), moves its callbacks along
//   (rcu_advance_cbs, rcu_accelerate_cbs) and asks for the grace period that they need, up the tree to the
//   root (rcu_start_this_gp);
//   reports a quiescent state since the beginning to its leaf (rcu_report_qs_rdp), which goes up as far as
//   nodes become empty (rcu_report_qs_rnp);
//   runs callbacks that are ready (rcu_do_batch).
// The kernel thread rcu_sched: starts a grace period leaf by leaf and node by node (rcu_gp_init); searches
// for CPUs that idle or have idled since its last look, after jiffies_till_first_fqs and then every
// jiffies_till_next_fqs (rcu_gp_fqs_loop, force_qs_rnp); ends it node by node (rcu_gp_cleanup).
//
// Each CPU's rcu_data (dynticks, urgent_qs) is on its own line. The thread sleeps with a timer of the core on
// which it went to sleep: that core keeps its tick and wakes it there.
// Left out: rcu_data.gp_seq_needed as a short cut, and the copy of the furthest request to the leaf where the
// climb began; raw_spin_trylock_rcu_node() is a look and a lock, so that who loses in between spins; the
// dynticks counter's atomic updates by interrupts that find the CPU idle, and the scan's reads of the line
// that they write; hotplug (its pass over the leaves is there), stall
// warnings, need_heavy_qs, urging by reschedule interrupts; wake-ups that preempt: on a busy core the thread
// waits for the end of the running task's time slice, unless an idle core takes it.

#include "models/locks/rcu.hpp"
#include "models/scheduler/scheduler.hpp"

#include <algorithm>
#include <bit>

namespace mmsim {

namespace {

// rcu_seq_*(): how grace periods are numbered.
constexpr std::uint64_t under_way(std::uint64_t seq) { return seq & 3; }
constexpr std::uint64_t ended(std::uint64_t seq) { return (seq | 3) + 1; }
/// The number at whose completion a full grace period from now on is over.
constexpr std::uint64_t full_from(std::uint64_t seq) { return (seq + 7) & ~std::uint64_t{3}; }
constexpr bool has_started(std::uint64_t seq, std::uint64_t wanted) {
  return ((wanted - 1) & ~std::uint64_t{3}) < seq;
}
constexpr bool one_completed(std::uint64_t before, std::uint64_t now) { return before >> 2 < now >> 2; }
constexpr bool one_began(std::uint64_t before, std::uint64_t now) {
  return ((before + 3) & ~std::uint64_t{3}) < now;
}

class TreeRcu final : public Rcu {
 public:
  explicit TreeRcu(const RcuMeans& means)
      : Rcu(means), jiffy_(means.scheduler.jiffy()), cpus_(machine_.cpus()) {
    build_tree(means.locks);
    const Duration second = std::chrono::duration_cast<Duration>(std::chrono::seconds(1));
    const std::int64_t hz = second / jiffy_;
    const std::int64_t kernels_own = 1 + (hz > 250) + (hz > 500) + machine_.cpus() / 256;
    first_fqs_ = (parameters_.first_fqs < 0 ? kernels_own : parameters_.first_fqs) * jiffy_;
    next_fqs_ =
        std::max<std::int64_t>(1, parameters_.next_fqs < 0 ? kernels_own : parameters_.next_fqs) * jiffy_;
    // jiffies_to_sched_qs: at least a tenth of a second.
    urgent_after_ = std::max(first_fqs_ + 2 * next_fqs_, (hz / 10 + machine_.cpus() / 256) * jiffy_);
    kthread_ = &scheduler_.kthread_create("rcu_sched", CoreId(0), [this](Task& task) { gp_kthread(task); });
  }

 private:
  struct Node {
    CacheLine line{"rcu_node"};
    std::unique_ptr<SpinLock> lock;
    Node* parent = nullptr;
    std::uint64_t bit = 0; // grpmask: this one in its parent's masks
    std::uint32_t first_cpu = 0;
    std::uint64_t gp_seq = 0, gp_seq_needed = 0;
    std::uint64_t qsmask = 0, qsmask_init = 0;
  };
  struct Cpu {
    Node* leaf = nullptr;
    std::uint64_t bit = 0;
    std::uint64_t gp_seq = 0; // what the CPU has noticed
    bool needs_quiescence = false, no_quiescence_yet = false;
    SegmentedCallbacks callbacks;
    CacheLine line{"rcu_data"};
    bool idle = false;
    std::uint64_t dynticks = 0; // how often it began or ended to idle
    std::uint64_t dynticks_snap = 0;
    bool urgent = false;
  };
  enum Flag : std::uint8_t { init = 1, force = 2 };

  // rcu_init_one(), with the levels of rcu_init_geometry() and the even spread of rcu_init_levelspread().
  void build_tree(SpinLocks& locks) {
    static constexpr const char* classes[] = {"rcu_node_0", "rcu_node_1", "rcu_node_2", "rcu_node_3"};
    const auto up = [](std::uint64_t a, std::uint64_t b) { return (a + b - 1) / b; };
    std::vector<std::uint64_t> sizes{
        up(machine_.cpus(), static_cast<std::uint64_t>(parameters_.fanout_leaf))};
    while (sizes.front() > 1)
      sizes.insert(sizes.begin(), up(sizes.front(), static_cast<std::uint64_t>(parameters_.fanout)));
    for (std::size_t level = 0; level < sizes.size(); ++level)
      for (std::uint64_t i = 0; i < sizes[level]; ++i) {
        Node& node = *nodes_.emplace_back(std::make_unique<Node>());
        node.lock = locks.make(classes[std::min<std::size_t>(level, 3)], &node.line);
        if (level == 0) continue;
        const std::uint64_t spread = up(sizes[level], sizes[level - 1]);
        node.parent = nodes_[first_of_level_ + i / spread].get();
        node.bit = std::uint64_t{1} << i % spread;
        node.parent->qsmask_init |= node.bit;
        if (i + 1 == sizes[level]) first_of_level_ += sizes[level - 1];
      }
    first_leaf_ = nodes_.size() - sizes.back();
    const std::uint64_t spread = up(machine_.cpus(), sizes.back());
    for (std::uint32_t i = 0; i < machine_.cpus(); ++i) {
      Node& leaf = *nodes_[first_leaf_ + i / spread];
      if (leaf.qsmask_init == 0) leaf.first_cpu = i;
      cpus_[i].leaf = &leaf;
      cpus_[i].bit = std::uint64_t{1} << i % spread;
      leaf.qsmask_init |= cpus_[i].bit;
    }
  }
  Node& root() { return *nodes_.front(); }
  Cpu& cpu_of(const Core& core) { return cpus_[core.id().value()]; }

  // --- from the base

  bool blocking_is_grace_period() const override { return machine_.cpus() == 1; }
  void enqueue(Core& core, RcuCallback& callback) override { cpu_of(core).callbacks.push(callback); }
  void quiescent_state(Core& core) override { cpu_of(core).no_quiescence_yet = false; } // rcu_qs()
  // rcu_do_batch() of 5.10: a share of what waits, if that is more (rcu_divisor).
  std::uint64_t batch_limit(std::uint64_t queued) const override {
    return std::max(Rcu::batch_limit(queued), queued >> 7);
  }

  // rcu_sched_clock_irq(), and the timers of the core after it.
  bool process(Core& core, bool quiescent) override {
    Cpu& cpu = cpu_of(core);
    core.read(cpu.line);
    const bool resched = std::exchange(cpu.urgent, false) && !quiescent;
    if (quiescent) quiescent_state(core);
    if (pending(core, cpu)) rcu_core(core, cpu);
    if (timer_armed_ && timer_core_ == core.id() && core.now() >= timer_expires_) {
      timer_armed_ = false;
      scheduler_.wake(core, *kthread_);
    }
    return resched;
  }

  bool idle_begins(Core& core) override {
    Cpu& cpu = cpu_of(core);
    if (in_use()) core.rmw(cpu.line); // rcu_dynticks_eqs_enter()
    ++cpu.dynticks;
    cpu.idle = true;
    return !cpu.callbacks.empty() || (timer_armed_ && timer_core_ == core.id()); // rcu_needs_cpu()
  }
  void idle_ends(Core& core) override {
    Cpu& cpu = cpu_of(core);
    if (in_use()) core.rmw(cpu.line);
    ++cpu.dynticks;
    cpu.idle = false;
  }
  // Interrupts that an idle CPU takes end its idling for a while (rcu_irq_enter()).
  bool idles(const Cpu& cpu, CoreId id) { return cpu.idle && !machine_.core(id).in_interrupt(); }

  // --- a CPU

  bool pending(Core& core, Cpu& cpu) {
    core.read(state_line_);
    const bool in_progress = under_way(gp_seq_);
    if (cpu.needs_quiescence && !cpu.no_quiescence_yet && in_progress) return true;
    if (cpu.callbacks.has_ready()) return true;
    if (!in_progress && cpu.callbacks.has_unnumbered()) return true;
    core.read(cpu.leaf->line);
    return cpu.leaf->gp_seq != cpu.gp_seq;
  }

  void rcu_core(Core& core, Cpu& cpu) {
    core.charge(core.costs().work.rcu_core, Account::work);
    note_gp_changes(core, cpu);
    if (cpu.needs_quiescence && !cpu.no_quiescence_yet) report_qs_rdp(core, cpu);
    core.read(state_line_);
    if (!under_way(gp_seq_) && cpu.callbacks.has_unnumbered()) { // rcu_accelerate_cbs_unlocked()
      cpu.leaf->lock->lock_irqsave(core);
      const bool wake = accelerate_cbs(core, *cpu.leaf, cpu);
      cpu.leaf->lock->unlock_irqrestore(core);
      if (wake) wake_gp_kthread(core);
    }
    if (cpu.callbacks.has_ready()) run_ready(core, cpu.callbacks.ready());
  }

  void note_gp_changes(Core& core, Cpu& cpu) {
    Node& leaf = *cpu.leaf;
    core.irq_disable();
    core.read(leaf.line); // and the trylock: whoever finds it taken comes again with the next tick
    if (leaf.gp_seq != cpu.gp_seq && !leaf.lock->held()) {
      leaf.lock->lock(core);
      const bool wake = note_gp_changes_locked(core, leaf, cpu);
      leaf.lock->unlock(core);
      if (wake) wake_gp_kthread(core);
    }
    core.irq_enable();
  }

  // __note_gp_changes(). True: the kernel thread must be woken.
  bool note_gp_changes_locked(Core& core, Node& leaf, Cpu& cpu) {
    if (cpu.gp_seq == leaf.gp_seq) return false;
    bool wake = false;
    if (one_completed(cpu.gp_seq, leaf.gp_seq)) {
      wake = advance_cbs(core, leaf, cpu);
      cpu.needs_quiescence = false;
    } else {
      wake = accelerate_cbs(core, leaf, cpu);
    }
    if (one_began(cpu.gp_seq, leaf.gp_seq))
      cpu.needs_quiescence = cpu.no_quiescence_yet = (leaf.qsmask & cpu.bit) != 0;
    cpu.gp_seq = leaf.gp_seq;
    return wake;
  }

  bool advance_cbs(Core& core, Node& node, Cpu& cpu) {
    if (!cpu.callbacks.has_pending()) return false;
    cpu.callbacks.advance(node.gp_seq);
    return accelerate_cbs(core, node, cpu);
  }
  bool accelerate_cbs(Core& core, Node& node, Cpu& cpu) {
    if (!cpu.callbacks.has_pending()) return false;
    core.read(state_line_);
    const std::uint64_t wanted = full_from(gp_seq_);
    return cpu.callbacks.accelerate(wanted) && start_this_gp(core, node, wanted);
  }

  // rcu_start_this_gp(): holds the lock of `start` and takes those above it, one at a time.
  bool start_this_gp(Core& core, Node& start, std::uint64_t wanted) {
    for (Node* node = &start;; node = node->parent) {
      if (node != &start) node->lock->lock(core);
      bool leave = node->gp_seq_needed >= wanted || has_started(node->gp_seq, wanted) ||
                   (node != &start && under_way(node->gp_seq));
      if (!leave) {
        core.write(node->line);
        node->gp_seq_needed = wanted;
        leave = under_way(node->gp_seq); // its end will look
      }
      if (!leave && node->parent == nullptr) {
        core.read(state_line_);
        if (!under_way(gp_seq_)) {
          core.write(state_line_);
          flags_ |= init;
          if (node != &start) node->lock->unlock(core);
          return true;
        }
        leave = true;
      }
      if (node != &start) node->lock->unlock(core);
      if (leave) return false;
    }
  }

  // rcu_report_qs_rdp()
  void report_qs_rdp(Core& core, Cpu& cpu) {
    Node& leaf = *cpu.leaf;
    leaf.lock->lock_irqsave(core);
    if (cpu.no_quiescence_yet || cpu.gp_seq != leaf.gp_seq) { // it was for an earlier one
      cpu.no_quiescence_yet = true;
      leaf.lock->unlock_irqrestore(core);
      return;
    }
    cpu.needs_quiescence = false;
    if ((leaf.qsmask & cpu.bit) == 0) {
      leaf.lock->unlock_irqrestore(core);
      return;
    }
    const bool wake = accelerate_cbs(core, leaf, cpu);
    report_qs_rnp(core, leaf, cpu.bit, leaf.gp_seq);
    if (wake) wake_gp_kthread(core);
  }

  // rcu_report_qs_rnp(): called with irqs off and the node's lock, which it gives back.
  void report_qs_rnp(Core& core, Node& start, std::uint64_t mask, std::uint64_t gp_seq) {
    Node* node = &start;
    for (;;) {
      if ((node->qsmask & mask) == 0 || node->gp_seq != gp_seq) break;
      core.write(node->line);
      node->qsmask &= ~mask;
      if (node->qsmask != 0) break;
      if (node->parent == nullptr) { // rcu_report_qs_rsp()
        core.write(state_line_);
        flags_ |= force;
        node->lock->unlock_irqrestore(core);
        wake_gp_kthread(core);
        return;
      }
      mask = node->bit;
      node->lock->unlock(core);
      node = node->parent;
      node->lock->lock(core);
    }
    node->lock->unlock_irqrestore(core);
  }

  // rcu_gp_kthread_wake()
  void wake_gp_kthread(Core& core) {
    core.read(state_line_);
    const bool itself = &scheduler_.running_on(core) == kthread_ && !core.in_interrupt();
    if (!itself && flags_ != 0 && asleep_) scheduler_.wake(core, *kthread_);
  }

  // --- the kernel thread

  void gp_kthread(Task& task) {
    for (;;) {
      sleep_until(task, [this] { return (flags_ & init) != 0; });
      gp_init(task);
      gp_fqs_loop(task);
      gp_cleanup(task);
    }
  }

  template <class Condition>
  void sleep_until(Task& task, Condition&& condition) {
    asleep_ = true;
    for (;;) {
      scheduler_.set_current_state(task); // prepare_to_swait_event()
      task.core().read(state_line_);
      if (condition()) break;
      scheduler_.block(task, Account::schedule, nullptr);
    }
    asleep_ = false;
  }

  void gp_init(Task& task) {
    Core& core = task.core();
    core.charge(core.costs().work.kthread_step, Account::work);
    root().lock->lock_irqsave(core);
    core.write(state_line_);
    flags_ = 0;
    ++gp_seq_;
    gp_start_ = core.now();
    root().lock->unlock_irqrestore(core);
    for (std::size_t i = first_leaf_; i < nodes_.size(); ++i) { // have CPUs come or gone?
      nodes_[i]->lock->lock_irqsave(core);
      nodes_[i]->lock->unlock_irqrestore(core);
    }
    for (const auto& node : nodes_) {
      node->lock->lock_irqsave(core);
      core.write(node->line);
      node->qsmask = node->qsmask_init;
      node->gp_seq = gp_seq_;
      if (Cpu& cpu = cpu_of(core); cpu.leaf == node.get()) note_gp_changes_locked(core, *node, cpu);
      node->lock->unlock_irqrestore(core);
    }
  }

  void gp_fqs_loop(Task& task) {
    bool first = true;
    for (;;) {
      timer_core_ = task.core().id();
      timer_expires_ = task.now() + (first ? first_fqs_ : next_fqs_);
      timer_armed_ = true;
      sleep_until(task, [this] { return (flags_ & force) != 0 || root().qsmask == 0 || !timer_armed_; });
      timer_armed_ = false;
      Core& core = task.core();
      core.read(root().line);
      if (root().qsmask == 0) return;
      gp_fqs(core, first);
      first = false;
    }
  }

  // rcu_gp_fqs() and force_qs_rnp()
  void gp_fqs(Core& core, bool first) {
    core.charge(core.costs().work.kthread_step, Account::work);
    for (std::size_t i = first_leaf_; i < nodes_.size(); ++i) {
      Node& leaf = *nodes_[i];
      leaf.lock->lock_irqsave(core);
      std::uint64_t quiescent = 0;
      for (std::uint64_t rest = leaf.qsmask; rest != 0; rest &= rest - 1) {
        const CoreId id(leaf.first_cpu + static_cast<std::uint32_t>(std::countr_zero(rest)));
        Cpu& cpu = cpus_[id.value()];
        core.read(cpu.line);
        if (first ? looked_at_first(cpu, id) : looked_at_again(core, cpu, id)) quiescent |= cpu.bit;
      }
      if (quiescent != 0)
        report_qs_rnp(core, leaf, quiescent, leaf.gp_seq);
      else
        leaf.lock->unlock_irqrestore(core);
    }
    core.read(state_line_);
    if ((flags_ & force) != 0) {
      root().lock->lock_irqsave(core);
      core.write(state_line_);
      flags_ &= static_cast<std::uint8_t>(~force);
      root().lock->unlock_irqrestore(core);
    }
  }
  // dyntick_save_progress_counter()
  bool looked_at_first(Cpu& cpu, CoreId id) {
    cpu.dynticks_snap = cpu.dynticks;
    return idles(cpu, id);
  }
  // rcu_implicit_dynticks_qs()
  bool looked_at_again(Core& core, Cpu& cpu, CoreId id) {
    if (cpu.dynticks != cpu.dynticks_snap || idles(cpu, id)) return true;
    if (core.now() >= gp_start_ + urgent_after_) {
      core.write(cpu.line);
      cpu.urgent = true;
    }
    return false;
  }

  void gp_cleanup(Task& task) {
    Core& core = task.core();
    core.charge(core.costs().work.kthread_step, Account::work);
    root().lock->lock_irqsave(core); // gp_end, gp_max
    root().lock->unlock_irqrestore(core);
    const std::uint64_t over = ended(gp_seq_);
    bool another = false;
    Cpu& cpu = cpu_of(core);
    for (const auto& node : nodes_) {
      node->lock->lock_irqsave(core);
      core.write(node->line);
      node->gp_seq = over;
      if (cpu.leaf == node.get()) another |= note_gp_changes_locked(core, *node, cpu);
      if (node->gp_seq < node->gp_seq_needed) // rcu_future_gp_cleanup()
        another = true;
      else
        node->gp_seq_needed = node->gp_seq;
      node->lock->unlock_irqrestore(core);
    }
    root().lock->lock_irqsave(core);
    core.write(state_line_);
    gp_seq_ = over;
    core.counters().add(Counter::rcu_grace_periods);
    another |= root().gp_seq < root().gp_seq_needed;
    const bool asked = accelerate_cbs(core, root(), cpu);
    core.write(state_line_);
    flags_ = asked || another ? init : flags_ & init;
    root().lock->unlock_irqrestore(core);
  }

  const Duration jiffy_;
  Duration first_fqs_{}, next_fqs_{}, urgent_after_{};
  std::vector<std::unique_ptr<Node>> nodes_; // breadth first, the root in front
  std::size_t first_of_level_ = 0, first_leaf_ = 0;
  std::vector<Cpu> cpus_;

  CacheLine state_line_{"rcu_state"};
  std::uint64_t gp_seq_ = 0;
  std::uint8_t flags_ = 0; // gp_flags

  Task* kthread_ = nullptr;
  bool asleep_ = true; // from kthread_create() on
  Instant gp_start_{};
  bool timer_armed_ = false;
  CoreId timer_core_{};
  Instant timer_expires_{};
};

const Registered<Rcu> tree{"tree", "a tree of nodes and a kernel thread that searches for idle CPUs (5.10)",
                           [](const RcuMeans& means) { return std::make_unique<TreeRcu>(means); }};

} // namespace
} // namespace mmsim
