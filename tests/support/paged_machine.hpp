// A machine with memory and nothing above: cores that allocate and free pages.
#pragma once

#include "models/locks/spinlock.hpp"
#include "models/pages/page_allocator.hpp"
#include "sim/machine/machine.hpp"

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace mmsim::tests {

struct Setting {
  std::string path;
  Value value;
};

inline Configuration configuration_of(const std::vector<Setting>& settings) {
  Configuration configuration;
  // Without a kernel: all memory is for the cores.
  configuration.set("kernel.image", "0 B");
  configuration.set("kernel.page_struct", std::int64_t{0});
  for (const Setting& setting : settings)
    configuration.set(setting.path, setting.value);
  return configuration;
}

class PagedMachine {
 public:
  PagedMachine(std::uint32_t cpus, const std::vector<Setting>& settings)
      : configuration(configuration_of(settings)), machine(engine, configuration, counters, cpus),
        locks(machine, configuration), pages(machine, locks, configuration), ledgers(cpus) {
    for (std::uint32_t i = 0; i < cpus; ++i)
      machine.core(CoreId(i)).set_ledger(&ledgers[i]);
  }

  /// A fiber on each of the first `cpus` cores does this, all at the same time; returns when all have done
  /// it.
  void run_on(std::uint32_t cpus, const std::function<void(Core&)>& body) {
    for (std::uint32_t i = 0; i < cpus; ++i)
      engine.spawn("cpu " + std::to_string(i), [this, i, body] {
        Core& core = machine.core(CoreId(i));
        body(core);
        core.settle();
      });
    engine.run();
  }
  void run(const std::function<void(Core&)>& body) { run_on(1, body); }

  /// What put_page() does with the last reference.
  void release(Core& core, FrameNumber frame, Temperature temperature = Temperature::hot) {
    --pages[frame].refcount;
    pages.free_page(core, frame, temperature);
  }
  void release(Core& core, FrameNumber frame, unsigned order) {
    --pages[frame].refcount;
    pages.free_pages(core, frame, order);
  }

  Engine engine;
  Configuration configuration;
  Counters counters;
  Machine machine;
  SpinLocks locks;
  PageAllocator pages;
  std::vector<Ledger> ledgers;
};

} // namespace mmsim::tests
