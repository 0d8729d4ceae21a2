// rwlock: write_lock and write_unlock, or read_lock and read_unlock, of a queued rwlock as tasklist_lock is.

#include "models/locks/rw_lock.hpp"
#include "scenarios/lock/lock_kind.hpp"

namespace mmsim {
namespace {

class ReadersAndWriters final : public LockKind {
 public:
  ReadersAndWriters(System& system, CriticalSection& inside)
      : lock_(system.locks, system.machine, "test_rwlock"), inside_(inside) {}

  void acquire(Task& task, Duration hold) override {
    lock_.write_lock(task.core());
    inside_.write(task.core(), hold);
    lock_.write_unlock(task.core());
  }
  void read(Task& task, Duration hold) override {
    lock_.read_lock(task.core());
    inside_.read(task.core(), hold);
    lock_.read_unlock(task.core());
  }

 private:
  RwLock lock_;
  CriticalSection& inside_;
};

const Registered<LockKind> registered{"rwlock", "a queued rwlock, for writing or for reading; waiters spin",
                                      [](System& system, CriticalSection& inside) {
                                        return std::make_unique<ReadersAndWriters>(system, inside);
                                      }};

} // namespace
} // namespace mmsim
