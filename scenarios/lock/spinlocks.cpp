// tas, ticket, queued: one spinlock of that implementation, whatever kernel.spinlock says. It knows no
// readers: who only reads takes it as well.

#include "models/locks/spinlock.hpp"
#include "scenarios/lock/lock_kind.hpp"

namespace mmsim {
namespace {

class Spin final : public LockKind {
 public:
  Spin(System& system, CriticalSection& inside, std::string_view implementation)
      : make_(Registry<SpinLock>::instance().create(implementation, system.machine)),
        lock_(make_({"test_lock", system.counters.register_lock_class("test_lock"), nullptr})),
        inside_(inside) {}

  void acquire(Task& task, Duration hold) override {
    lock_->lock(task.core());
    inside_.write(task.core(), hold);
    lock_->unlock(task.core());
  }
  void read(Task& task, Duration hold) override {
    lock_->lock(task.core());
    inside_.read(task.core(), hold);
    lock_->unlock(task.core());
  }

 private:
  const SpinLock::Maker make_; // what its locks share is the maker's
  const std::unique_ptr<SpinLock> lock_;
  CriticalSection& inside_;
};

LockKind::Factory spinning(std::string_view implementation) {
  return [implementation](System& system, CriticalSection& inside) {
    return std::make_unique<Spin>(system, inside, implementation);
  };
}

const Registered<LockKind> tas{"tas", "a test-and-set spinlock; readers take it as well", spinning("tas")};
const Registered<LockKind> ticket{"ticket", "a ticket spinlock; readers take it as well", spinning("ticket")};
const Registered<LockKind> queued{"queued", "a queued spinlock; readers take it as well", spinning("queued")};

} // namespace
} // namespace mmsim
