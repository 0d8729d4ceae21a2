// Spinlocks and a scheduler of kernel threads, for the tests of what sleeps.
#pragma once

#include "models/scheduler/scheduler.hpp"
#include "tests/support/locks_world.hpp"

#include <utility>

namespace mmsim {

/// Kernel threads only: nothing to switch.
struct NoAddressSpaces : MmSwitcher {
  void switch_mm(Core&, MmStruct*, MmStruct*) override {}
  MmStruct* enter_kernel_thread(Core&, MmStruct* previous, bool) override { return previous; }
  void drop_borrowed(Core&, MmStruct*) override {}
};

struct ThreadsWorld : LocksWorld {
  ThreadsWorld(const std::string& kind, std::int64_t clusters, std::int64_t cores_per_cluster,
               std::uint64_t seed = 1, Engine::Options options = {})
      : LocksWorld(kind, clusters, cores_per_cluster, options),
        scheduler(machine, locks, switcher, configuration, RandomStream(seed, "ticks")) {
    scheduler.boot(nullptr);
  }
  Task& task(std::string name, std::uint32_t core, std::function<void(Task&)> body) {
    return scheduler.spawn_at_boot(std::move(name), nullptr, CoreId(core), std::move(body));
  }

  NoAddressSpaces switcher;
  Scheduler scheduler;
};

} // namespace mmsim
