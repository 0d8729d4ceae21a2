#include "models/scheduler/schedule_timeout.hpp"

namespace mmsim {

// On the stack of the task that sleeps. It leaves the list when the task goes on for another reason.
class Timeouts::Expiry final : public Event, public Expired {
 public:
  Expiry(Timeouts& owner, Task& task)
      : Event(task.core().engine().queue()), owner_(owner), core_(task.core()), task(task) {}
  void fire() override {
    owner_.expired_[core_.id().value()].push_back(*this);
    core_.raise(Irq::tick);
  }

 private:
  Timeouts& owner_;
  Core& core_;

 public:
  Task& task;
  bool over = false;
};

Timeouts::Timeouts(Machine& machine, Scheduler& scheduler)
    : machine_(machine), scheduler_(scheduler), tick_(machine.handler(Irq::tick)),
      timeout_(event("a timeout")), expired_(machine.cpus()) {
  machine.set_handler(Irq::tick, *this);
}

Timeouts::~Timeouts() { machine_.set_handler(Irq::tick, tick_); }

bool Timeouts::sleep(Task& task, Instant t, Account account, const bool* woken, Sleep how) {
  task.core().settle();
  Expiry expiry(*this, task);
  if (t != Instant::max()) task.core().engine().queue().post(expiry, t);
  task.killable = how == Sleep::killable;
  const WaitId said = task.ledger.waits_for();
  const WaitFor whom(task.ledger, said.known() ? said : timeout_);
  for (;;) {
    scheduler_.set_current_state(task);
    if (expiry.over || (woken != nullptr && *woken) || (task.killable && task.killed)) break;
    scheduler_.block(task, account, nullptr);
  }
  task.killable = false;
  return !expiry.over;
}

// Those that have expired when it begins; who wakes early meanwhile leaves the list by himself. Then the others whose
// interrupt this may be: one pending bit may stand for several timers.
void Timeouts::handle(Core& core) {
  ExpiredList now;
  now.swap(expired_[core.id().value()]);
  while (!now.empty()) {
    auto& expiry = static_cast<Expiry&>(now.front());
    now.pop_front();
    expiry.over = true; // from here on it may be gone with its task's stack
    scheduler_.wake(core, expiry.task);
  }
  tick_.handle(core);
}

} // namespace mmsim
