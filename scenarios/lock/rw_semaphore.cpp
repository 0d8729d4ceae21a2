// rw_semaphore: down_write and up_write, or down_read and up_read, of one as mmap_lock is.

#include "models/locks/rw_semaphore.hpp"
#include "scenarios/lock/lock_kind.hpp"

namespace mmsim {
namespace {

class Semaphore final : public LockKind {
 public:
  Semaphore(System& system, CriticalSection& inside)
      : semaphore_(system.locks, system.scheduler, "test_rwsem"), inside_(inside) {}

  void acquire(Task& task, Duration hold) override {
    semaphore_.down_write(task);
    inside_.write(task.core(), hold);
    semaphore_.up_write(task);
  }
  void read(Task& task, Duration hold) override {
    semaphore_.down_read(task);
    inside_.read(task.core(), hold);
    semaphore_.up_read(task);
  }

 private:
  RwSemaphore semaphore_;
  CriticalSection& inside_;
};

const Registered<LockKind> registered{
    "rw_semaphore", "an rw_semaphore as mmap_lock is one; waiters sleep",
    [](System& system, CriticalSection& inside) { return std::make_unique<Semaphore>(system, inside); }};

} // namespace
} // namespace mmsim
