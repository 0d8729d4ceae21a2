// percpu_counter: one is added to a counter of which every CPU has its part, as vm_committed_as is added to
// at each mmap(); a read is the approximate one, of the global count alone. Nobody is ever inside: `hold` and
// `lines` have no meaning here. kernel.percpu_counter_batch says when a CPU's part goes to the global count.

#include "models/locks/percpu_counter.hpp"
#include "scenarios/lock/lock_kind.hpp"

namespace mmsim {
namespace {

class Counted final : public LockKind {
 public:
  explicit Counted(System& system)
      : counter_(system.machine, system.locks, system.configuration(), "test_counter") {}

  void acquire(Task& task, Duration) override { counter_.add(task.core(), 1); }
  void read(Task& task, Duration) override { counter_.read(task.core()); }

 private:
  PercpuCounter counter_;
};

const Registered<LockKind> registered{
    "percpu_counter",
    "one more on the CPU's own part of a counter, or a load of its global count (approximate); no hold, no "
    "lines",
    [](System& system, CriticalSection&) { return std::make_unique<Counted>(system); }};

} // namespace
} // namespace mmsim
