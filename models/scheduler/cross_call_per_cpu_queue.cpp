// Cross-calls through a queue a core.
//
// Models kernel/smp.c of 5.10: smp_call_function_many_cond() takes the caller's call_single_data for each
// target (which may still be in use by an earlier call), pushes it on the target's call_single_queue,
// interrupts only the targets whose queue was empty, and waits for each call_single_data to be unlocked in
// turn; on the target flush_smp_call_function_queue() takes the whole queue and runs and unlocks entry by
// entry. Left out: asynchronous entries, the conditional variant.

#include "models/scheduler/cross_call.hpp"
#include "models/scheduler/remote_wait.hpp"

#include <vector>

namespace mmsim {

namespace {

class PerCpuQueueCalls final : public CrossCalls {
 public:
  PerCpuQueueCalls(Machine& machine, SpinLocks& locks)
      : CrossCalls(locks), machine_(machine), queues_(machine.cpus()), rows_(machine.cpus()) {
    machine.set_handler(Irq::call_function, *this);
  }

  void call_and_wait(Core& core, const CoreSet& targets, RemoteCall& call) override {
    const WorkCosts& work = core.costs().work;
    core.charge(work.mask_scan, Account::tlb_remote, on_the_way_to(targets.lowest()));
    CoreSet to_interrupt;
    targets.for_each([&](CoreId target) {
      const WaitFor whom(core.ledger(), on_the_way_to(target));
      CallData& data = data_of(core.id(), target);
      core.spin_until(data.line, Account::tlb_remote, [&] { return !data.locked; });
      core.write(data.line, Account::tlb_remote);
      data.locked = true;
      data.call = &call;
      core.counters().add(Counter::ipi_requested);
      Queue& queue = queues_[target.value()];
      core.charge(work.call_queue, Account::tlb_remote);
      core.rmw(queue.line, Account::tlb_remote);
      if (queue.first == nullptr)
        to_interrupt.insert(target);
      else
        core.counters().add(Counter::ipi_coalesced);
      *queue.end = &data;
      queue.end = &data.next;
    });
    machine_.send_ipi(core, to_interrupt, Irq::call_function, Account::tlb_remote);
    targets.for_each([&](CoreId target) {
      CallData& data = data_of(core.id(), target);
      RemoteWait wait(core, target);
      core.spin_until(data.line, Account::tlb_remote, [&] { return !data.locked; });
      wait.answered(target, data.interrupt);
      if (Trace* trace = machine_.trace()) trace->answer_seen(core.id().value(), &data, core.now());
    });
  }

  void handle(Core& core) override {
    const Taken interrupt = Taken::now(core);
    Queue& queue = queues_[core.id().value()];
    core.rmw(queue.line);
    CallData* data = queue.first;
    queue.first = nullptr;
    queue.end = &queue.first;
    while (data != nullptr) {
      core.charge(core.costs().work.call_queue, Account::interrupt);
      core.read(data->line);
      CallData* const next = data->next;
      data->next = nullptr;
      data->interrupt = interrupt;
      data->call->run(core);
      core.write(data->line); // the acknowledgement: the invalidation must have taken effect before
      data->locked = false;
      if (Trace* trace = machine_.trace()) trace->answered(core.id().value(), data, core.now());
      data = next;
    }
  }

 private:
  struct CallData {
    CacheLine line{"call_single_data"};
    bool locked = false;
    RemoteCall* call = nullptr;
    CallData* next = nullptr;
    Taken interrupt; // not in the kernel's structure
  };
  struct Queue {
    CacheLine line{"call_single_queue"};
    CallData* first = nullptr;
    CallData** end = &first;
  };
  static WaitId on_the_way_to(CoreId target) { return WaitId(WaitKind::ipi, target.value()); }
  // Made when first used: a machine of 1024 cores has a million pairs.
  CallData& data_of(CoreId caller, CoreId target) {
    auto& row = rows_[caller.value()];
    if (row.empty()) row.resize(machine_.cpus());
    auto& data = row[target.value()];
    if (!data) data = std::make_unique<CallData>();
    return *data;
  }

  Machine& machine_;
  std::vector<Queue> queues_;
  std::vector<std::vector<std::unique_ptr<CallData>>> rows_;
};

const Registered<CrossCalls> per_cpu_queue{
    "per_cpu_queue", "a queue a core; no interrupt to a core whose queue is not empty (5.10)",
    [](Machine& machine, SpinLocks& locks) { return std::make_unique<PerCpuQueueCalls>(machine, locks); }};

} // namespace
} // namespace mmsim
