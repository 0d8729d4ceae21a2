// lock: on each CPU a loop in the kernel that thinks and then takes one lock that all share; `readers` of the
// CPUs only read. What the lock is, scenario.kind says (scenarios/lock/). No system call and no page fault is
// in the loop: what contends is the lock and the data under it.

#include "scenarios/lock/lock_kind.hpp"
#include "scenarios/scenario.hpp"

#include <spdlog/fmt/fmt.h>

namespace mmsim {

namespace {

struct LockParameters {
  std::string kind, distribution;
  std::int64_t readers, writers, lines;
  Duration hold, think, phase;
  static void declare(Declaration& d, LockParameters& p) {
    d("scenario.kind", p.kind, "queued", "what the CPUs contend for").registered<LockKind>();
    d("scenario.readers", p.readers, 0, "how many of the CPUs only read: those with the highest numbers")
        .at_least(0);
    d("scenario.writers", p.writers, 0,
      "so many CPUs acquire and all others read, for sweeps over run.cpus; 0: scenario.readers says")
        .at_least(0);
    d("scenario.hold", p.hold, "100 ns", "mean time inside the lock, beside what its data lines cost")
        .at_most("100 ms");
    d("scenario.think", p.think, "1 us", "mean private time between a release and the next request")
        .at_most("100 ms");
    d("scenario.distribution", p.distribution, "exponential", "of hold and think")
        .one_of({"exponential", "constant"});
    d("scenario.phase", p.phase, "100 us",
      "each CPU begins at a random instant within this time, so that no order is set")
        .at_most("100 ms");
    d("scenario.lines", p.lines, 0,
      "cache lines of data that each critical section writes (who only reads: reads)")
        .at_least(0)
        .at_most(1024);
  }
};
const DeclareParameters<LockParameters> declared{"lock"};

std::int64_t checked_readers(const LockParameters& parameters, const Configuration& configuration) {
  const std::int64_t cpus = read_parameters<RunParameters>(configuration).cpus;
  const auto refuse = [&](const char* path, const std::string& why) {
    throw InputError(why, configuration.origin_of(path));
  };
  for (const auto& [path, wanted] :
       {std::pair{"scenario.readers", parameters.readers}, std::pair{"scenario.writers", parameters.writers}})
    if (wanted > cpus)
      refuse(path, fmt::format("{} = {}, but run.cpus = {}: choose 0 to {}", path, wanted, cpus, cpus));
  if (parameters.writers == 0) return parameters.readers;
  if (parameters.readers != 0)
    refuse("scenario.readers", "scenario.readers and scenario.writers are both set: choose one");
  return cpus - parameters.writers;
}

class Lock final : public Scenario {
 public:
  explicit Lock(const Configuration& configuration)
      : parameters_(read_parameters<LockParameters>(configuration)),
        readers_(static_cast<std::uint32_t>(checked_readers(parameters_, configuration))),
        inside_(parameters_.lines) {}

  void start(Experiment& x) override {
    kind_ = Registry<LockKind>::instance().create(parameters_.kind, x.system(), inside_);
    const std::uint32_t takers = x.cpus() - readers_;
    const OperationId acquire = takers > 0 ? x.operation("acquire") : OperationId{};
    const OperationId read = readers_ > 0 ? x.operation("read") : OperationId{};
    // Of CPUs that do the same: who only reads is not served less than who does not.
    x.compare_service(takers > 0 ? acquire : read, CoreId(0), takers > 0 ? takers : x.cpus());
    x.expect_ready(x.cpus());
    x.on_each_cpu([&](CoreId cpu) {
      const bool reads = cpu.value() >= takers;
      const OperationId operation = reads ? read : acquire;
      spawn_process_at_boot(
          x.system(), (reads ? "reader on cpu " : "taker on cpu ") + std::to_string(cpu.value()), cpu,
          [this, &x, cpu, reads, operation](Task& task) { loop(x, task, cpu, reads, operation); })
          .bound = true;
    });
  }
  bool maps_memory() const override { return false; }

 private:
  void loop(Experiment& x, Task& task, CoreId cpu, bool reads, OperationId operation) {
    RandomStream thinks = x.random("think " + std::to_string(cpu.value()));
    RandomStream holds = x.random("hold " + std::to_string(cpu.value()));
    const auto drawn = [&](RandomStream& stream, Duration mean) {
      return parameters_.distribution == "constant" ? mean : stream.exponential(mean);
    };
    x.ready(task);
    // Else CPUs would queue in the order of their numbers, and with constant times stay in it for ever.
    task.core().charge(thinks.below(parameters_.phase + Duration(1)), Account::work);
    while (!x.over()) {
      task.core().charge(drawn(thinks, parameters_.think), Account::work);
      const Duration hold = drawn(holds, parameters_.hold);
      const OperationStart start = x.begin(task, reads ? "read" : "acquire");
      if (reads)
        kind_->read(task, hold);
      else
        kind_->acquire(task, hold);
      x.end(operation, start, task);
    }
    exit_task(x.system(), task);
  }

  const LockParameters parameters_;
  const std::uint32_t readers_;
  CriticalSection inside_;
  std::unique_ptr<LockKind> kind_;
};

const Registered<Scenario> registered{"lock",
                                      "each CPU: think, then take a lock that all share, or read under it",
                                      [](const Configuration& c) { return std::make_unique<Lock>(c); }};

} // namespace
} // namespace mmsim
