// semaphore: down and up of a counting semaphore that lets one in at a time. It knows no readers: who only
// reads takes it as well.

#include "models/locks/semaphore.hpp"
#include "scenarios/lock/lock_kind.hpp"

namespace mmsim {
namespace {

class Binary final : public LockKind {
 public:
  Binary(System& system, CriticalSection& inside)
      : semaphore_(system.locks, system.scheduler, "test_semaphore", 1), inside_(inside) {}

  void acquire(Task& task, Duration hold) override {
    semaphore_.down(task);
    inside_.write(task.core(), hold);
    semaphore_.up(task.core());
  }
  void read(Task& task, Duration hold) override {
    semaphore_.down(task);
    inside_.read(task.core(), hold);
    semaphore_.up(task.core());
  }

 private:
  Semaphore semaphore_;
  CriticalSection& inside_;
};

const Registered<LockKind> registered{
    "semaphore", "a binary semaphore; waiters sleep until they are handed it; readers take it as well",
    [](System& system, CriticalSection& inside) { return std::make_unique<Binary>(system, inside); }};

} // namespace
} // namespace mmsim
