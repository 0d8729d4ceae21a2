#include "models/locks/rcu.hpp"

#include "models/scheduler/scheduler.hpp"

#include <limits>
#include <numeric>
#include <spdlog/fmt/fmt.h>

namespace mmsim {

namespace {
constexpr std::uint64_t qhimark = 10000;
constexpr int max_softirq_restart = 10;
} // namespace

void RcuParameters::declare(Declaration& d, RcuParameters& p) {
  d("kernel.rcu", p.implementation, "tree", "who keeps the books of RCU's grace periods").registered<Rcu>();
  d("kernel.rcu_blimit", p.blimit, 10, "RCU callbacks that run in one go",
    "DEFAULT_RCU_BLIMIT of 5.10, blimit of 2.6.24")
      .at_least(1);
  d("kernel.rcu_fanout_leaf", p.fanout_leaf, 16, "CPUs below a leaf of the tree of grace periods",
    "CONFIG_RCU_FANOUT_LEAF of arm64's defconfig")
      .at_least(2)
      .at_most(64);
  d("kernel.rcu_fanout", p.fanout, 64, "nodes below any other of its nodes", "CONFIG_RCU_FANOUT on 64 bits")
      .at_least(2)
      .at_most(64);
  d("kernel.rcu_jiffies_till_first_fqs", p.first_fqs, -1,
    "ticks from the start of a grace period to the first search for idle CPUs; -1: as the kernel reckons",
    "rcu_init_geometry of 5.10: 1, one more from HZ > 250 and one from HZ > 500, and one for 256 CPUs")
      .at_least(-1);
  d("kernel.rcu_jiffies_till_next_fqs", p.next_fqs, -1,
    "ticks to each further search; -1: as the kernel reckons", "as rcu_jiffies_till_first_fqs")
      .at_least(-1);
}

// What synchronize() queues: wakeme_after_rcu() with its completion.
class Rcu::Waiter final : public RcuCallback, public Waitable {
 public:
  Waiter(Scheduler& scheduler, Task& task) : scheduler_(scheduler), task_(task) {}
  void run(Core& core) override {
    done_ = true;
    if (sleeps_) scheduler_.wake(core, task_);
  }
  void wait() {
    while (!done_) {
      sleeps_ = true;
      scheduler_.set_current_state(task_);
      scheduler_.block(task_, Account::lock_sleep, this);
      sleeps_ = false;
    }
  }
  std::string describe() const override { return "an RCU grace period"; }

 private:
  Scheduler& scheduler_;
  Task& task_;
  bool done_ = false, sleeps_ = false;
};

Rcu::Rcu(const RcuMeans& means)
    : machine_(means.machine), scheduler_(means.scheduler),
      parameters_(read_parameters<RcuParameters>(means.configuration)), observer_(means.locks.observer()),
      reader_class_(machine_.counters().register_lock_class("rcu_read_lock")),
      grace_period_(machine_.wait_names().id(WaitKind::sleep, "an RCU grace period")),
      readers_(machine_.cpus()), queued_(machine_.cpus()) {}

void Rcu::read_unlock(Core& core) {
  std::uint32_t& depth = readers_[core.id().value()];
  if (depth == 0)
    throw Violation(fmt::format("cpu {}: rcu_read_unlock() without rcu_read_lock()", core.id().value()));
  if (depth == 1) core.settle(); // what was read inside was read before we leave
  if (observer_ != nullptr) observer_->releasing(core, reader());
  --depth;
  core.preempt_enable();
}

void Rcu::call(Core& core, RcuCallback& callback) {
  core.irq_disable();
  core.charge(core.costs().work.rcu_callback, Account::work);
  core.settle(); // what the callback must wait for has happened before
  if (!std::exchange(in_use_, true)) first_use();
  ++queued_[core.id().value()];
  enqueue(core, callback);
  core.irq_enable();
}

void Rcu::synchronize(Task& task) {
  Core& core = task.core();
  if (in_reader(core.id()))
    throw Violation(fmt::format("{} calls synchronize_rcu() inside rcu_read_lock(): it would wait for itself",
                                task.name));
  core.settle();
  if (observer_ != nullptr) {
    observer_->may_sleep(core, "synchronize_rcu()");
    observer_->waits_for_cores(core, "synchronize_rcu()");
  }
  if (blocking_is_grace_period()) return;
  Waiter waiter(scheduler_, task);
  call(core, waiter);
  const WaitFor whom(task.ledger, grace_period_);
  waiter.wait();
}

std::uint64_t Rcu::queued() const {
  return std::accumulate(queued_.begin(), queued_.end(), std::uint64_t{0});
}

void Rcu::schedules(Core& core) {
  if (in_reader(core.id()))
    throw Violation(fmt::format("cpu {}: {} sleeps or gives up the core inside rcu_read_lock()",
                                core.id().value(), scheduler_.running_on(core).name));
  quiescent_state(core);
}

bool Rcu::tick(Core& core, bool quiescent) {
  if (quiescent && in_reader(core.id()))
    throw Violation(fmt::format("cpu {}: {} has left the kernel inside rcu_read_lock()", core.id().value(),
                                scheduler_.running_on(core).name));
  return in_use_ && process(core, quiescent);
}

std::uint64_t Rcu::batch_limit(std::uint64_t queued) const {
  return queued > qhimark ? std::numeric_limits<std::uint64_t>::max()
                          : static_cast<std::uint64_t>(parameters_.blimit);
}

void Rcu::run_ready(Core& core, RcuCallbacks& ready) {
  std::uint64_t& queued = queued_[core.id().value()];
  for (int go = 0; go < max_softirq_restart && !ready.empty(); ++go) {
    const std::uint64_t limit = batch_limit(queued);
    for (std::uint64_t count = 0; count < limit && !ready.empty(); ++count) {
      RcuCallback& callback = ready.pop();
      core.charge(core.costs().work.rcu_callback, Account::work);
      core.settle();
      core.counters().add(Counter::rcu_callbacks);
      --queued;
      callback.run(core);
    }
  }
  core.settle();
}

} // namespace mmsim
