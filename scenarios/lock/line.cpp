// line: no lock and nothing atomic: a plain store into one cache line, or a plain load from it. The false
// sharing of textbooks. Nobody is ever inside: `hold` and `lines` have no meaning here.

#include "scenarios/lock/lock_kind.hpp"

namespace mmsim {
namespace {

class Line final : public LockKind {
 public:
  void acquire(Task& task, Duration) override { task.core().write(line_); }
  void read(Task& task, Duration) override { task.core().read(line_); }

 private:
  CacheLine line_{"the shared line"};
};

const Registered<LockKind> registered{
    "line", "a plain store to one cache line, or a load of it (false sharing); no hold, no lines",
    [](System&, CriticalSection&) { return std::make_unique<Line>(); }};

} // namespace
} // namespace mmsim
