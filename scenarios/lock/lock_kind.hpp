// What the CPUs of the scenario `lock` contend for: the interface. Every kind is one file that registers
// itself.
//
//   auto kind = Registry<LockKind>::instance().create("ticket", system, inside);
//   kind->acquire(task, hold);      // lock, be inside for `hold`, unlock: the operation `acquire`
//   kind->read(task, hold);         // be inside with other readers, if the kind knows readers: `read`
//
// Both run on a task that is bound to its CPU, in kernel mode, with irqs on and preemptible before and after.
// They return when the last access has gone out; what it cost may still be pending. To be inside is to call
// CriticalSection: it is the same for every kind.
#pragma once

#include "models/scheduler/task.hpp"
#include "models/system.hpp"
#include "sim/engine/registry.hpp"
#include "sim/machine/cache_line.hpp"

#include <deque>
#include <functional>
#include <memory>
#include <string_view>

namespace mmsim {

/// What a lock protects: some cache lines of data, and the time that work on them takes.
class CriticalSection {
 public:
  explicit CriticalSection(std::int64_t lines) {
    for (std::int64_t i = 0; i < lines; ++i)
      lines_.emplace_back("the data under the lock");
  }
  /// Writes every line, then works for `hold`. Only for one at a time.
  void write(Core& core, Duration hold) {
    for (CacheLine& line : lines_)
      core.write(line);
    core.charge(hold, Account::work);
  }
  /// Reads every line, then works for `hold`.
  void read(Core& core, Duration hold) {
    for (CacheLine& line : lines_)
      core.read(line);
    core.charge(hold, Account::work);
  }

 private:
  std::deque<CacheLine> lines_; // a cache line has an address
};

class LockKind {
 public:
  static constexpr std::string_view registry_path = "scenario.kind";
  /// Called before the machine runs. Both outlive the kind.
  using Factory = std::function<std::unique_ptr<LockKind>(System&, CriticalSection&)>;
  virtual ~LockKind() = default;

  virtual void acquire(Task& task, Duration hold) = 0;
  virtual void read(Task& task, Duration hold) = 0;
};

} // namespace mmsim
