#include "models/scheduler/hrtimer_sleep.hpp"

#include <utility>

namespace mmsim {

// struct hrtimer_sleeper: on the stack of the task that sleeps.
class HrtimerSleep::Expiry final : public Event {
 public:
  Expiry(HrtimerSleep& owner, Task& task)
      : Event(task.core().engine().queue()), owner_(owner), core_(task.core()), task_(task) {}
  void fire() override {
    next = std::exchange(owner_.expired_[core_.id().value()], this);
    core_.raise(Irq::tick);
  }
  Task& task() const { return task_; }

  Expiry* next = nullptr;
  bool over = false;

 private:
  HrtimerSleep& owner_;
  Core& core_;
  Task& task_;
};

HrtimerSleep::HrtimerSleep(Machine& machine, Scheduler& scheduler)
    : machine_(machine), scheduler_(scheduler), tick_(machine.handler(Irq::tick)),
      timer_(machine.wait_names().id(WaitKind::sleep, "a timer")), expired_(machine.cpus()) {
  machine.set_handler(Irq::tick, *this);
}

HrtimerSleep::~HrtimerSleep() { machine_.set_handler(Irq::tick, tick_); }

void HrtimerSleep::until(Task& task, Instant t, Account account) {
  Core& core = task.core();
  core.settle();
  if (t <= core.now()) return;
  Expiry expiry(*this, task);
  core.engine().queue().post(expiry, t);
  const WaitId said = task.ledger.waits_for();
  const WaitFor whom(task.ledger, said.known() ? said : timer_);
  for (;;) {
    scheduler_.set_current_state(task);
    if (expiry.over) return;
    scheduler_.block(task, account, nullptr);
  }
}

// Its own, then the others whose interrupt this may be: one pending bit may stand for several timers.
void HrtimerSleep::handle(Core& core) {
  Expiry* expired = std::exchange(expired_[core.id().value()], nullptr);
  while (expired != nullptr) {
    Expiry* const next = expired->next;
    Task& task = expired->task();
    expired->over = true; // from here on it may be gone with its task's stack
    scheduler_.wake(core, task);
    expired = next;
  }
  tick_.handle(core);
}

} // namespace mmsim
