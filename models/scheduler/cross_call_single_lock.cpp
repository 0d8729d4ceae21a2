// Cross-calls one at a time.
//
// Models arch/arm/kernel/smp.c of 2.6.24: smp_call_function_on_cpu() describes the call on its stack,
// publishes it under smp_call_function_lock, interrupts all targets and spins until every one has taken note
// (`pending`) and has finished (`unfinished`); ipi_call_function() clears its bit in both. The two masks
// share a cache line. Left out: the timeout after which 2.6.24 gives up.

#include "models/scheduler/cross_call.hpp"
#include "models/scheduler/remote_wait.hpp"

#include <vector>

namespace mmsim {

namespace {

class SingleLockCalls final : public CrossCalls {
 public:
  SingleLockCalls(Machine& machine, SpinLocks& locks)
      : CrossCalls(locks), machine_(machine), lock_(locks.make("call_lock")) {
    machine.set_handler(Irq::call_function, *this);
  }

  void call_and_wait(Core& core, const CoreSet& targets, RemoteCall& call) override {
    const WaitId on_the_way(WaitKind::ipi, targets.lowest().value());
    core.charge(core.costs().work.mask_scan, Account::tlb_remote, on_the_way);
    lock_->lock(core);
    publish(core, targets, call, on_the_way);
    RemoteWait wait(core, targets.lowest());
    core.spin_until(line_, Account::tlb_remote, [this] { return pending_.empty(); });
    core.spin_until(line_, Account::tlb_remote, [this] { return unfinished_.empty(); });
    wait.answered(last_, last_interrupt_);
    if (Trace* trace = machine_.trace()) trace->answer_seen(core.id().value(), this, core.now());
    lock_->unlock(core);
  }

  void handle(Core& core) override {
    const Taken interrupt = Taken::now(core);
    core.charge(core.costs().work.call_queue, Account::interrupt);
    core.read(line_);
    RemoteCall* const call = call_;
    core.rmw(line_);
    pending_.erase(core.id());
    call->run(core);
    core.rmw(line_); // the acknowledgement
    unfinished_.erase(core.id());
    last_ = core.id();
    last_interrupt_ = interrupt;
    if (Trace* trace = machine_.trace()) trace->answered(core.id().value(), this, core.now());
  }

 private:
  void publish(Core& core, const CoreSet& targets, RemoteCall& call, WaitId on_the_way) {
    const WaitFor whom(core.ledger(), on_the_way);
    core.write(line_, Account::tlb_remote);
    call_ = &call;
    pending_ = unfinished_ = targets;
    core.counters().add(Counter::ipi_requested, targets.size());
    machine_.send_ipi(core, targets, Irq::call_function, Account::tlb_remote);
  }

  Machine& machine_;
  std::unique_ptr<SpinLock> lock_;
  CacheLine line_{"smp_call_function_data"};
  RemoteCall* call_ = nullptr;
  CoreSet pending_, unfinished_;
  CoreId last_{}; // who has acknowledged last, for RemoteWait
  Taken last_interrupt_;
};

const Registered<CrossCalls> single_lock{
    "single_lock", "one call at a time in the whole machine, under one lock (2.6.24)",
    [](Machine& machine, SpinLocks& locks) { return std::make_unique<SingleLockCalls>(machine, locks); }};

} // namespace
} // namespace mmsim
