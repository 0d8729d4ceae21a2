// Waiting for another core to answer an interrupt, and what of it was whose.
//
//   RemoteWait wait(core, target);                       // settled; from now on for the target's handler
//   core.spin_until(line, Account::tlb_remote, ...);     // until it has answered
//   wait.answered(target, Taken::now(target_core));      // what its handler has noted when it began
//
// Of the time until now, the interrupt was on its way until it had arrived (WaitKind::ipi), then the target had its
// interrupts off or woke up until it took it (irqs_off), then its handler ran (handler), whatever it did before our
// turn. What the waiter's own handlers took in between is theirs and stays so. Until answered() all of it is for the
// target's handler, and so it stays where it never comes, or more than 256 waits came in between.
#pragma once

#include "sim/machine/machine.hpp"

#include <algorithm>

namespace mmsim {

/// The interrupt in which a core answers.
struct Taken {
  Instant arrived{}, taken{};
  /// The cross-call whose handler `core` has begun just now.
  static Taken now(const Core& core) {
    return {core.arrived_at(Irq::call_function), core.taken_at(Irq::call_function)};
  }
};

class RemoteWait {
 public:
  RemoteWait(Core& core, CoreId target)
      : core_(core), began_(core.now()), target_(target),
        whom_(core.ledger(), WaitId(WaitKind::handler, target.value())) {
    if (core.ledger().waits().is_open()) first_ = core.ledger().waits().begin_apart();
  }

  /// `by` has, who need not be the one that was expected. On the waiter's core, settled.
  void answered(CoreId by, const Taken& interrupt) {
    const Instant now = core_.now();
    const Instant taken = std::clamp(interrupt.taken, began_, now);
    const Instant arrived = std::clamp(interrupt.arrived, began_, taken);
    const WaitId booked_for(WaitKind::handler, target_.value());
    if (Trace* trace = core_.machine().trace())
      trace->waited({began_, arrived, taken, now, core_.id().value(), by.value(), booked_for});
    WaitLog& log = core_.ledger().waits();
    if (!log.is_open()) return;
    const WaitId on_its_way(WaitKind::ipi, by.value()), off(WaitKind::irqs_off, by.value());
    log.reassign(first_, booked_for, on_its_way, now - began_);
    log.reassign(first_, on_its_way, off, now - arrived);
    log.reassign(first_, off, WaitId(WaitKind::handler, by.value()), now - taken);
  }

 private:
  Core& core_;
  const Instant began_;
  const CoreId target_;
  std::size_t first_ = 0; // of the waits since
  const WaitFor whom_;
};

} // namespace mmsim
