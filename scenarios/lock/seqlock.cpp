// seqlock: write_seqlock and write_sequnlock; a reader takes nothing, looks for `hold` and looks again if a
// writer was in meanwhile. Each look in vain counts as seq_retry.

#include "models/locks/seqcount.hpp"
#include "scenarios/lock/lock_kind.hpp"

namespace mmsim {
namespace {

class Sequenced final : public LockKind {
 public:
  Sequenced(System& system, CriticalSection& inside) : lock_(system.locks, "test_seqlock"), inside_(inside) {}

  void acquire(Task& task, Duration hold) override {
    lock_.write_seqlock(task.core());
    inside_.write(task.core(), hold);
    lock_.write_sequnlock(task.core());
  }
  void read(Task& task, Duration hold) override {
    Core& core = task.core();
    std::uint32_t since;
    do {
      since = lock_.read_seqbegin(core);
      inside_.read(core, hold);
    } while (lock_.read_seqretry(core, since));
  }

 private:
  SeqLock lock_;
  CriticalSection& inside_;
};

const Registered<LockKind> registered{
    "seqlock", "a seqlock for writing; readers take nothing and retry until no writer was in (seq_retry)",
    [](System& system, CriticalSection& inside) { return std::make_unique<Sequenced>(system, inside); }};

} // namespace
} // namespace mmsim
