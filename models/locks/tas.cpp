// The test-and-set lock of Arm.
//
// Models __raw_spin_lock and __raw_spin_unlock of include/asm-arm/spinlock.h, 2.6.24, with CONFIG_CPU_32v6K:
//
//   1: ldrex; teq #0; wfene; strexeq #1; teqeq #0; bne 1b        smp_mb; str #0; dsb; sev
//
// A core that loses the line between its LDREX and its STREX has lost its reservation: that STREX fails, at the
// latest when its turn at the line comes, and the core reads again. So of all who see the lock free one store takes
// the line from the others. Who that is, the interconnect decides: there is no order and no fairness. A holder that
// asks again in the very instant of its release finds the line still there and takes the lock again; with no time
// between release and request nobody else ever gets it.
//
// Left out: SEV wakes every core in WFE, whatever lock it waits for; here a waiter looks again when its own
// line was written. An exception does not clear the reservation while the line stays. The barriers cost
// nothing of their own.
#include "models/locks/spinlock.hpp"
#include "sim/machine/core.hpp"

#include <utility>

namespace mmsim {
namespace {

class TestAndSetLock final : public SpinLock {
 public:
  using SpinLock::SpinLock;

 private:
  bool acquire(Core& core) override {
    bool contended = false;
    for (Account account = Account::coherence;; account = Account::lock_spin) {
      core.read(line(), account); // LDREX
      if (taken_) {
        contended = true;
        account = Account::lock_spin;
        core.spin_until(
            line(), account, [&] { return !taken_; }, this); // WFE, LDREX
      }
      core.settle();
      if (taken_ || !core.write_conditional(line(), account)) continue; // STREX: the reservation may be lost
      taken_ = true;
      return contended;
    }
  }

  bool try_acquire(Core& core) override { // __raw_spin_trylock()
    core.read(line());
    if (taken_ || !core.write_conditional(line())) return false;
    return !std::exchange(taken_, true);
  }

  void release(Core& core) override {
    core.write(line());
    taken_ = false;
  }

  bool taken_ = false;
};

const Registered<SpinLock> registered{
    "tas", "test and set: LDREX, WFE, STREX (Arm, 2.6.24); unfair", [](Machine&) -> SpinLock::Maker {
      return [](const SpinLock::Identity& identity) { return std::make_unique<TestAndSetLock>(identity); };
    }};

} // namespace
} // namespace mmsim
