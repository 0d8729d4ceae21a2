// refcount: one count that is taken and dropped, as a page's, an mm's or a file's is. Who holds a reference
// does not keep others from theirs; a read looks at the count and takes none.

#include "scenarios/lock/lock_kind.hpp"

namespace mmsim {
namespace {

class Refcount final : public LockKind {
 public:
  explicit Refcount(CriticalSection& inside) : inside_(inside) {}

  void acquire(Task& task, Duration hold) override {
    task.core().rmw(count_);
    inside_.read(task.core(), hold); // a reference makes no exclusive owner
    task.core().rmw(count_);
  }
  void read(Task& task, Duration) override { task.core().read(count_); }

 private:
  CacheLine count_{"the shared count"};
  CriticalSection& inside_;
};

const Registered<LockKind> registered{
    "refcount", "an atomic increment and, after `hold`, decrement of one count; a read is a load of it",
    [](System&, CriticalSection& inside) { return std::make_unique<Refcount>(inside); }};

} // namespace
} // namespace mmsim
