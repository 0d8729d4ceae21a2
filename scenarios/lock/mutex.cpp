// mutex: mutex_lock and mutex_unlock. It knows no readers: who only reads takes it as well.

#include "models/locks/mutex.hpp"
#include "scenarios/lock/lock_kind.hpp"

namespace mmsim {
namespace {

class Exclusive final : public LockKind {
 public:
  Exclusive(System& system, CriticalSection& inside)
      : mutex_(system.locks, system.scheduler, "test_mutex"), inside_(inside) {}

  void acquire(Task& task, Duration hold) override {
    mutex_.lock(task);
    inside_.write(task.core(), hold);
    mutex_.unlock(task);
  }
  void read(Task& task, Duration hold) override {
    mutex_.lock(task);
    inside_.read(task.core(), hold);
    mutex_.unlock(task);
  }

 private:
  Mutex mutex_;
  CriticalSection& inside_;
};

const Registered<LockKind> registered{
    "mutex", "a mutex; waiters sleep, or spin while the owner runs; readers take it as well",
    [](System& system, CriticalSection& inside) { return std::make_unique<Exclusive>(system, inside); }};

} // namespace
} // namespace mmsim
