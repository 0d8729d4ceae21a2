// atomic: no lock at all, but one atomic increment of a word that all CPUs share; a read is a load of it.
// Nobody is ever inside: `hold` and `lines` have no meaning here.

#include "scenarios/lock/lock_kind.hpp"

namespace mmsim {
namespace {

class Atomic final : public LockKind {
 public:
  void acquire(Task& task, Duration) override { task.core().rmw(word_); }
  void read(Task& task, Duration) override { task.core().read(word_); }

 private:
  CacheLine word_{"the shared word"};
};

const Registered<LockKind> registered{"atomic",
                                      "an atomic increment of one word, or a load of it; no hold, no lines",
                                      [](System&, CriticalSection&) { return std::make_unique<Atomic>(); }};

} // namespace
} // namespace mmsim
