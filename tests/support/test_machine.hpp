// A machine for tests: costs set by name, a book for every core, handlers as lambdas.
#pragma once

#include "sim/machine/machine.hpp"

#include <functional>
#include <initializer_list>
#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

namespace mmsim::tests {

struct TestHandler final : InterruptHandler {
  std::function<void(Core&)> body = [](Core&) {};
  void handle(Core& core) override { body(core); }
};

class TestMachine {
 public:
  using Settings = std::vector<std::pair<std::string, Value>>;

  /// Costs that are not set are those of the cost book. All cores are online.
  explicit TestMachine(const Settings& settings = {}, Engine::Options options = {})
      : engine(options), configuration(of(settings)),
        machine(engine, configuration, counters, cores_of(configuration)), ledgers(machine.cpus()) {
    for (std::size_t i = 0; i < irq_count; ++i)
      machine.set_handler(static_cast<Irq>(i), handlers[i]);
    for (std::uint32_t i = 0; i < machine.cpus(); ++i)
      core(i).set_ledger(&ledgers[i]);
  }

  Core& core(std::uint32_t id) { return machine.core(CoreId(id)); }
  TestHandler& handler(Irq irq) { return handlers[static_cast<std::size_t>(irq)]; }
  Fiber& on(std::uint32_t id, std::function<void(Core&)> body, Fiber::Kind kind = Fiber::Kind::worker) {
    return engine.spawn(
        "core " + std::to_string(id), [this, id, body = std::move(body)] { body(core(id)); }, kind);
  }
  /// A core that does nothing but take interrupts.
  void idle(std::uint32_t id) {
    on(
        id,
        [](Core& core) {
          for (;;)
            core.wait_for_interrupt();
        },
        Fiber::Kind::daemon);
  }
  void raise_at(Duration t, std::uint32_t id, Irq irq) {
    engine.at(Instant(t), [this, id, irq] { core(id).raise(irq); });
  }
  Duration now() const { return engine.now().time_since_epoch(); }
  static Duration sum(const Ledger& ledger) {
    return std::accumulate(ledger.totals().begin(), ledger.totals().end(), Duration{});
  }

  Engine engine;
  Configuration configuration;
  Counters counters;
  Machine machine;
  std::vector<Ledger> ledgers;
  std::array<TestHandler, irq_count> handlers;

 private:
  static Configuration of(const Settings& settings) {
    Configuration configuration;
    for (const auto& [path, value] : settings)
      configuration.set(path, value);
    return configuration;
  }
  static std::uint32_t cores_of(const Configuration& configuration) {
    const auto p = read_parameters<TopologyParameters>(configuration);
    return static_cast<std::uint32_t>(p.sockets * p.dies_per_socket * p.clusters_per_die *
                                      p.cores_per_cluster);
  }
};

/// Two sockets of two dies of two clusters of two cores; `more` comes on top.
inline TestMachine::Settings small_machine(const TestMachine::Settings& more = {}) {
  TestMachine::Settings settings{{"machine.sockets", std::int64_t{2}},
                                 {"machine.dies_per_socket", std::int64_t{2}},
                                 {"machine.clusters_per_die", std::int64_t{2}},
                                 {"machine.cores_per_cluster", std::int64_t{2}},
                                 {"machine.interconnect.cluster", "10 ns"},
                                 {"machine.interconnect.die", "15 ns"},
                                 {"machine.interconnect.socket", "55 ns"},
                                 {"machine.interconnect.system", "151 ns"},
                                 {"machine.ipi.send", "80 ns"},
                                 {"machine.ipi.deliver", "300 ns"},
                                 {"machine.irq.entry", "250 ns"},
                                 {"machine.irq.exit", "120 ns"},
                                 {"machine.idle.exit", "800 ns"},
                                 {"machine.line.hit", "1 ns"},
                                 {"machine.line.atomic", "5 ns"},
                                 {"machine.line.transfer", "25 ns"},
                                 {"machine.line.request", "10 ns"},
                                 {"machine.line.share", "7 ns"},
                                 {"machine.line.dram", "95 ns"}};
  settings.insert(settings.end(), more.begin(), more.end());
  return settings;
}

} // namespace mmsim::tests
