// A machine with spinlocks and no kernel around them, for the tests of locks.
#pragma once

#include "models/locks/spinlock.hpp"
#include "sim/engine/random.hpp"
#include "sim/machine/machine.hpp"

#include <deque>
#include <functional>
#include <string>
#include <utility>

namespace mmsim {

struct LocksWorld {
  LocksWorld(const std::string& kind, std::int64_t clusters, std::int64_t cores_per_cluster,
             Engine::Options options = {}, bool lockdep = true)
      : configuration(configured(kind, clusters, cores_per_cluster, lockdep)), engine(options),
        machine(engine, configuration, counters, static_cast<std::uint32_t>(clusters * cores_per_cluster)),
        locks(machine, configuration), ledgers(machine.cpus()) {
    for (std::uint32_t i = 0; i < machine.cpus(); ++i)
      machine.core(CoreId(i)).set_ledger(&ledgers[i]);
  }

  static Configuration configured(const std::string& kind, std::int64_t clusters,
                                  std::int64_t cores_per_cluster, bool lockdep) {
    Configuration configuration;
    configuration.set("kernel.spinlock", kind, {});
    configuration.set("run.lockdep", lockdep, {});
    configuration.set("machine.clusters_per_die", clusters, {});
    configuration.set("machine.cores_per_cluster", cores_per_cluster, {});
    return configuration;
  }

  /// `body` runs on core `id`, from the start of time.
  void on(std::uint32_t id, std::function<void(Core&)> body) {
    Core& core = machine.core(CoreId(id));
    engine.spawn("cpu " + std::to_string(id), [&core, body = std::move(body)] {
      body(core);
      core.settle();
    });
  }

  /// Ticks come to cores at random, `mean` apart, as long as `go_on()`.
  void interrupt_while(std::function<bool()> go_on, Duration mean, std::uint64_t seed) {
    engine.spawn("interrupts", [this, go_on = std::move(go_on), mean,
                                random = RandomStream(seed, "interrupts")]() mutable {
      while (go_on()) {
        engine.wait_until(engine.now() + random.exponential(mean));
        machine.core(CoreId(static_cast<std::uint32_t>(random.below(machine.cpus())))).raise(Irq::tick);
      }
    });
  }

  Configuration configuration;
  Engine engine;
  Counters counters;
  Machine machine;
  SpinLocks locks;
  std::deque<Ledger> ledgers;
};

} // namespace mmsim
