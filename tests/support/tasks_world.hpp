// Tasks on a machine with spinlocks and a scheduler, and no memory management, for the tests of sleeping
// locks.
#pragma once

#include "models/scheduler/scheduler.hpp"
#include "tests/support/locks_world.hpp"

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace mmsim {

/// Kernel threads only: nothing to switch.
struct NoAddressSpaces : MmSwitcher {
  void switch_mm(Core&, MmStruct*, MmStruct*) override {}
  MmStruct* enter_kernel_thread(Core&, MmStruct* previous, bool) override { return previous; }
  void drop_borrowed(Core&, MmStruct*) override {}
};

/// A way for sleeping locks to work.
struct Variant {
  const char* name;
  std::vector<std::pair<std::string, Value>> settings;
};
inline void PrintTo(const Variant& variant, std::ostream* out) { *out << variant.name; }

/// The defaults.
inline const Variant as_is{"as_is", {}};

inline const std::vector<Variant> rwsem_variants{
    {"fifo", {{"kernel.rwsem", "fifo"}}},
    {"queueing", {{"kernel.rwsem_stealing", false}, {"kernel.rwsem_spin", "none"}}},
    {"queueing_spinning", {{"kernel.rwsem_stealing", false}}},
    {"stealing", {{"kernel.rwsem_spin", "none"}}},
    {"spinning_writers", {{"kernel.rwsem_spin", "writers"}}},
    {"spinning", {}}};
inline const Variant& rwsem_variant(const std::string& name) {
  for (const Variant& variant : rwsem_variants)
    if (variant.name == name) return variant;
  throw std::logic_error("no such variant: " + name);
}
inline const std::vector<Variant> mutex_variants{
    {"count", {{"kernel.mutex", "count"}}}, {"owner", {{"kernel.mutex_spin", false}}}, {"spinning", {}}};

struct TasksWorld : LocksWorld {
  TasksWorld(const Variant& variant, std::int64_t clusters, std::int64_t cores_per_cluster,
             const std::string& spinlock = "queued", std::uint64_t seed = 1, Engine::Options options = {})
      : LocksWorld(spinlock, clusters, cores_per_cluster, options),
        scheduler(machine, locks, switcher, with(variant), RandomStream(seed, "ticks")) {
    scheduler.boot(nullptr);
  }
  ~TasksWorld() { engine.dismiss_fibers(); }

  Task& task(std::string name, std::uint32_t core, std::function<void(Task&)> body) {
    return scheduler.spawn_at_boot(std::move(name), nullptr, CoreId(core), std::move(body));
  }
  LockClassStats stats(const char* name) const { return counters.snapshot().lock_class(name); }

  NoAddressSpaces switcher;
  Scheduler scheduler;

 private:
  const Configuration& with(const Variant& variant) {
    for (const auto& [path, value] : variant.settings)
      configuration.set(path, value);
    return configuration;
  }
};

inline void work(Task& task, Duration length) {
  task.core().charge(length, Account::work);
  task.core().settle();
}

} // namespace mmsim
