// rcu: readers inside rcu_read_lock() follow a pointer to the data; an update replaces the version that it
// points to, under a spinlock (that of kernel.spinlock), and gives the old one to call_rcu(), which frees it
// after a grace period.
//
// Of a version only its callback exists: making one takes no time, and the lines of the data are those of
// scenario.lines, whichever version is current. Nobody waits for grace periods. Where updates come faster than
// ticks free old versions these pile up, and the run goes on until all are free; rcu_callbacks counts them.

#include "models/locks/spinlock.hpp"
#include "scenarios/lock/lock_kind.hpp"

#include <utility>
#include <vector>

namespace mmsim {
namespace {

class ReadCopyUpdate final : public LockKind {
 public:
  ReadCopyUpdate(System& system, CriticalSection& inside)
      : rcu_(system.rcu()), lock_(system.locks.make("test_update_lock")), inside_(inside),
        free_(system.machine.cpus()) {}

  void acquire(Task& task, Duration hold) override {
    Core& core = task.core();
    lock_->lock(core);
    inside_.write(core, hold);
    core.write(pointer_); // rcu_assign_pointer()
    lock_->unlock(core);
    rcu_.call(core, replaced(core.id()));
  }
  void read(Task& task, Duration hold) override {
    Core& core = task.core();
    rcu_.read_lock(core);
    core.read(pointer_); // rcu_dereference()
    inside_.read(core, hold);
    rcu_.read_unlock(core);
  }

 private:
  /// What call_rcu() is given of a version that nobody can find any more.
  struct Version final : RcuCallback {
    explicit Version(Version*& free) : free(free) {}
    void run(Core&) override { next = std::exchange(free, this); }
    Version*& free; // of the CPU that has replaced it, which is where its callback runs
    Version* next = nullptr;
  };
  /// As many as ever wait on a CPU at once, and no more.
  Version& replaced(CoreId cpu) {
    Version*& free = free_[cpu.value()];
    if (free == nullptr) free = &versions_.emplace_back(free);
    return *std::exchange(free, free->next);
  }

  Rcu& rcu_;
  const std::unique_ptr<SpinLock> lock_;
  CacheLine pointer_{"the pointer to the data"};
  CriticalSection& inside_;
  std::vector<Version*> free_; // by CPU
  std::deque<Version> versions_;
};

const Registered<LockKind> registered{
    "rcu", "readers in rcu_read_lock(); an update under a spinlock gives the old version to call_rcu()",
    [](System& system, CriticalSection& inside) { return std::make_unique<ReadCopyUpdate>(system, inside); }};

} // namespace
} // namespace mmsim
