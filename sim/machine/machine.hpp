// The machine: cores, interconnect, interrupt controller, memory. Knows nothing of a kernel.
#pragma once

#include "sim/engine/configuration.hpp"
#include "sim/engine/engine.hpp"
#include "sim/machine/core.hpp"
#include "sim/machine/core_cache.hpp"
#include "sim/machine/cost_book.hpp"
#include "sim/machine/dram.hpp"
#include "sim/machine/maintenance.hpp"
#include "sim/machine/topology.hpp"
#include "sim/record/counters.hpp"
#include "sim/record/ipi_matrix.hpp"
#include "sim/record/trace.hpp"
#include "sim/record/wait_names.hpp"

#include <memory>
#include <vector>

namespace mmsim {

struct LineParameters {
  bool batch_rereads;
  static void declare(Declaration& d, LineParameters& p) {
    d("run.batch_rereads", p.batch_rereads, true,
      "compute the re-reads of all cores that spin on a line in one step; off is slower and gives the same "
      "bytes");
  }
};
inline const DeclareParameters<LineParameters> declared_line_parameters;

class Machine {
 public:
  /// The machine of `configuration`, of which the first `cpus` cores are online. Throws InputError if it has
  /// fewer.
  Machine(Engine& engine, const Configuration& configuration, Counters& counters, std::uint32_t cpus);
  ~Machine();

  Engine& engine() { return engine_; }
  const CostBook& costs() const { return costs_; }
  Counters& counters() { return counters_; }
  const Topology& topology() const { return topology_; }
  Dram& dram() { return dram_; }
  CoreCaches& caches() { return caches_; }
  Maintenance& maintenance() { return maintenance_; }

  std::uint32_t cpus() const { return static_cast<std::uint32_t>(cores_.size()); }
  Core& core(CoreId id) { return *cores_[id.value()]; }
  const CoreSet& online() const { return online_; }

  /// machine.line.arbitration is `nearest`.
  bool nearest_first() const { return nearest_first_; }
  /// Re-reads of spinning cores are computed together (line_spinners.hpp).
  bool batches_rereads() const { return batches_rereads_; }

  /// `core` interrupts `targets`: one register write for every group that the interrupt controller can
  /// address at once, charged to `account`; each target's interrupt arrives after its own distance.
  void send_ipi(Core& core, const CoreSet& targets, Irq irq, Account account);

  void set_handler(Irq irq, InterruptHandler& handler) {
    handlers_[static_cast<std::size_t>(irq)] = &handler;
  }
  InterruptHandler& handler(Irq irq) { return *handlers_[static_cast<std::size_t>(irq)]; }

  /// Who has sent to whom how often, from the start of the run.
  const IpiMatrix& ipis() const { return ipis_; }

  /// Null unless the run is traced.
  Trace* trace() const { return trace_compiled_in ? trace_ : nullptr; }
  /// Before the engine runs. It must outlive the machine and all ledgers.
  void set_trace(Trace* trace) { trace_ = trace; }

  /// Whom the numbers of waits stand for.
  WaitNames& wait_names() { return wait_names_; }
  /// Handlers of `irq` on the waiter's own core.
  WaitId wait_id(Irq irq) const { return irq_waits_[static_cast<std::size_t>(irq)]; }

 private:
  class Arrival;

  Engine& engine_;
  Trace* trace_ = nullptr;
  CostBook costs_;
  WaitNames wait_names_;
  std::array<WaitId, irq_count> irq_waits_;
  Counters& counters_;
  Topology topology_;
  const bool nearest_first_, batches_rereads_;
  Dram dram_;
  CoreCaches caches_;
  std::vector<std::unique_ptr<Core>> cores_;
  CoreSet online_;
  Maintenance maintenance_;
  IpiMatrix ipis_;
  std::array<InterruptHandler*, irq_count> handlers_{};
  std::vector<std::unique_ptr<Arrival>> arrivals_; // all that were ever needed at once
  std::vector<Arrival*> idle_arrivals_;
};

} // namespace mmsim
