// A machine with a kernel on it for tests: four cores on one die, ticks out of the way unless a test asks for
// them.
#pragma once

#include "models/operations/gather.hpp"
#include "models/operations/map.hpp"
#include "models/operations/process.hpp"
#include "models/operations/user.hpp"
#include "models/system.hpp"
#include "tests/support/child.hpp"
#include "tests/support/violation.hpp"

#include <iterator>
#include <string>
#include <utility>
#include <vector>

namespace mmsim::tests {

using Settings = std::vector<std::pair<std::string, Value>>;

inline Settings operator+(Settings a, const Settings& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

inline Configuration configuration_with(const Settings& settings) {
  Configuration configuration;
  for (const auto& [path, value] : settings)
    configuration.set(path, value);
  return configuration;
}

/// What `operation` of `task` takes, from nothing pending to nothing pending.
template <class Operation>
Duration time_of(Task& task, Operation&& operation) {
  task.core().settle();
  const Instant start = task.now();
  operation();
  task.core().settle();
  return task.now() - start;
}

class KernelWorld {
 public:
  explicit KernelWorld(std::uint32_t cpus, const Settings& settings = {}, Engine::Options options = {},
                       std::uint64_t seed = 1)
      : engine(options), configuration(configuration_with(quiet(cpus) + settings)),
        system(engine, configuration, counters, cpus, seed) {}

  const CostBook& costs() const { return system.machine.costs(); }
  Duration now() const { return engine.now().time_since_epoch(); }
  std::uint64_t count(Counter counter) const { return counters.snapshot()[counter]; }

  /// User code until `flag` is set: the core keeps running this task.
  void spin_in_user_mode(Task& task, const bool& flag) {
    while (!flag)
      run_user(system, task, std::chrono::duration_cast<Duration>(std::chrono::nanoseconds(100)));
  }

  /// The pages go, the area stays. As madvise(MADV_DONTNEED), but with mmap_lock held for writing, so that
  /// nobody may fault a new page in before the flush, and the oracle as strict as it is then
  /// (Refill::forbidden); never deferred.
  void dont_need(Task& task, PageNumber first, std::uint64_t pages) {
    MmStruct& mm = *task.mm;
    mm.mmap_lock.down_write(task);
    system.lru->lru_add_drain(task.core()); // zap_page_range()
    MmuGather gather(system, task.core(), mm);
    gather.zap(task, first, first + pages);
    gather.finish(task.core());
    mm.mmap_lock.up_write(task);
  }

  Engine engine;
  Configuration configuration;
  Counters counters;
  System system;

 private:
  static Settings quiet(std::uint32_t cpus) {
    return {{"machine.clusters_per_die", std::int64_t{1}},
            {"machine.cores_per_cluster", std::int64_t{cpus}},
            {"machine.memory", "64 MiB"},
            {"kernel.image", "4 MiB"},
            {"kernel.hz", std::int64_t{1}},
            {"kernel.tlb_flush", "eager"}};
  }
};

/// Maps an area of its own: behind all others, with a free page between, or neighbours of the same kind would
/// merge; the first one where a table begins, so that those after it share that.
inline PageNumber mmap_apart(System& system, Task& task, std::uint64_t pages) {
  MmapRequest request;
  request.pages = pages;
  VmaTree& vmas = task.mm->vmas;
  if (vmas.size() > 0)
    request.hint = std::prev(vmas.end())->end + 1;
  else if (system.vma_trees.top_down())
    request.hint = PageNumber(task.mm->tables.shape().end().value() / 2);
  return mmap(system, task, request).first;
}

/// What `body` returns, from a child process.
inline std::string text_in_child(const std::function<std::string()>& body) {
  std::string text;
  for (const std::int64_t c : in_child([&] {
         const std::string said = body();
         return std::vector<std::int64_t>(said.begin(), said.end());
       }))
    text += static_cast<char>(c);
  return text;
}

} // namespace mmsim::tests
