// Cross-calls: running a function on other cores and waiting until all have run it.
//
//   FlushCall call(...);
//   cross_calls.call(core, targets, call);   // requested; sent, unless the target's queue was not empty;
//   acknowledged
//
// Timeline: the caller marks every target's request, interrupts the targets, and spins until each
// acknowledgement has come, with irqs on: it serves calls of others meanwhile. Calling with irqs off, or
// while holding a lock that targets take with irqs off, deadlocks here as there.
#pragma once

#include "models/locks/spinlock.hpp"
#include "sim/engine/parameter.hpp"
#include "sim/machine/machine.hpp"

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace mmsim {

/// What runs on the target, in its interrupt handler with irqs off.
class RemoteCall {
 public:
  virtual ~RemoteCall() = default;
  virtual void run(Core& core) = 0;
};

class CrossCalls : public InterruptHandler {
 public:
  static constexpr std::string_view registry_path = "kernel.cross_call";
  using Factory = std::function<std::unique_ptr<CrossCalls>(Machine&, SpinLocks&)>;
  explicit CrossCalls(SpinLocks& locks) : observer_(locks.observer()) {}

  /// Runs `call` on every core of `targets`, which must not hold `core`, and returns when all have.
  void call(Core& core, const CoreSet& targets, RemoteCall& call) {
    if (observer_ != nullptr) observer_->waits_for_cores(core, "a cross-call");
    if (core.irqs_masked())
      throw Violation("a cross-call with irqs off: two cores that call each other would wait for ever");
    if (!targets.empty()) call_and_wait(core, targets, call);
  }

 protected:
  virtual void call_and_wait(Core& core, const CoreSet& targets, RemoteCall& call) = 0;

 private:
  LockObserver* const observer_;
};

struct CrossCallParameters {
  std::string implementation;
  static void declare(Declaration& d, CrossCallParameters& p) {
    d("kernel.cross_call", p.implementation, "per_cpu_queue", "how a core has others run a function")
        .registered<CrossCalls>();
  }
};
inline const DeclareParameters<CrossCallParameters> declared_cross_call_parameters;

} // namespace mmsim
