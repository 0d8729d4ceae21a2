#include "sim/machine/machine.hpp"

#include <spdlog/fmt/fmt.h>

namespace mmsim {

// An interrupt on its way. Kept and used again: interrupts are frequent.
class Machine::Arrival final : public Event {
 public:
  Arrival(Machine& machine) : Event(machine.engine().queue()), machine_(machine) {}
  void send(Core& target, Irq irq, Instant arrival, std::uint32_t arrow) {
    target_ = &target;
    irq_ = irq;
    arrow_ = arrow;
    machine_.engine().queue().post(*this, arrival);
  }
  void fire() override {
    machine_.idle_arrivals_.push_back(this);
    if (Trace* trace = machine_.trace()) [[unlikely]]
      trace->ipi_arrived(arrow_);
    target_->raise(irq_);
  }

 private:
  Machine& machine_;
  Core* target_ = nullptr;
  Irq irq_{};
  std::uint32_t arrow_ = 0; // of the trace
};

namespace {
std::uint32_t checked_cpus(const Topology& topology, const Configuration& configuration, std::uint32_t cpus) {
  if (cpus < 1 || cpus > topology.cores()) {
    throw InputError(fmt::format("run.cpus = {}, but the machine has {} cores: choose 1 to {}", cpus,
                                 topology.cores(), topology.cores()),
                     configuration.origin_of("run.cpus"));
  }
  return cpus;
}

// What is said to be a part of a transfer must not be more than it. Something must be left when a request is
// over, since a line's next way begins later than its last one did.
void check_parts(const LineCosts& line, const Configuration& configuration) {
  const auto check = [&](const char* path, Duration part, Duration most) {
    if (part <= most) return;
    // The mistake is where the machine's own file was left: there, or where the transfer was made too short for it.
    const Entry* entry = configuration.find(path);
    const Entry* transfer = configuration.find("machine.line.transfer");
    const Entry* clock = configuration.find("machine.clock");
    const bool part_is_the_machines =
        entry == nullptr || (clock != nullptr && entry->origin.file == clock->origin.file);
    if (transfer != nullptr && part_is_the_machines) entry = transfer;
    throw InputError(
        fmt::format("{} = {} ns is a part of machine.line.transfer = {} ns: choose at most {} ns", path,
                    nanoseconds(part), nanoseconds(line.transfer), nanoseconds(most)),
        entry ? entry->origin : Origin{});
  };
  check("machine.line.request", line.request, line.transfer - Duration(1));
  check("machine.line.share", line.share, line.transfer);
}
} // namespace

Machine::Machine(Engine& engine, const Configuration& configuration, Counters& counters, std::uint32_t cpus)
    : engine_(engine), costs_(read_parameters<CostBook>(configuration)), counters_(counters),
      topology_(engine, read_parameters<TopologyParameters>(configuration)),
      nearest_first_(costs_.line.arbitration == "nearest"),
      batches_rereads_(!nearest_first_ && read_parameters<LineParameters>(configuration).batch_rereads),
      dram_(topology_.sockets(), costs_.memory.node_bandwidth), caches_(costs_, topology_, topology_.cores()),
      maintenance_(*this), ipis_(cpus) {
  check_parts(costs_.line, configuration);
  for (std::size_t i = 0; i < irq_count; ++i)
    irq_waits_[i] = wait_names_.id(WaitKind::interrupt, name(static_cast<Irq>(i)));
  for (std::uint32_t i = 0; i < checked_cpus(topology_, configuration, cpus); ++i)
    cores_.push_back(std::make_unique<Core>(*this, CoreId(i)));
  online_ = CoreSet::first(cpus);
}

Machine::~Machine() = default;

void Machine::send_ipi(Core& core, const CoreSet& targets, Irq irq, Account account) {
  const auto group = static_cast<std::uint32_t>(costs_.irq.targets_per_send);
  std::uint32_t addressed = UINT32_MAX; // the group that the last register write reached
  targets.for_each([&](CoreId target) {
    const std::uint32_t own_group = topology_.place(target).value() / group;
    if (own_group != addressed) {
      addressed = own_group;
      core.charge(costs_.irq.send, account, WaitId(WaitKind::ipi, target.value()));
      core.settle();
    }
    counters_.add(Counter::ipi_sent);
    ipis_.count(core.id().value(), target.value());
    if (idle_arrivals_.empty()) {
      arrivals_.push_back(std::make_unique<Arrival>(*this));
      idle_arrivals_.push_back(arrivals_.back().get());
    }
    Arrival* arrival = idle_arrivals_.back();
    idle_arrivals_.pop_back();
    std::uint32_t arrow = 0;
    if (Trace* trace = this->trace()) [[unlikely]]
      arrow = trace->ipi_sent(core.id().value(), target.value(), std::uint8_t(irq), engine_.now());
    arrival->send(this->core(target), irq,
                  engine_.now() + topology_.latency(core.id(), target) + costs_.irq.deliver, arrow);
  });
}

} // namespace mmsim
