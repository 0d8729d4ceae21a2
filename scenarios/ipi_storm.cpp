// ipi_storm: each CPU, idle otherwise, has all others run an empty function `rate` times a second, at regular
// intervals from a random instant on. No memory is touched: what it shows is what cross-calls themselves cost
// and how many interrupts they are, n * (n - 1) * rate a second if none meets another one's.

#include "models/operations/nanosleep.hpp"
#include "models/operations/smp_call.hpp"
#include "scenarios/scenario.hpp"

namespace mmsim {

namespace {

struct IpiStormParameters {
  std::int64_t rate;
  static void declare(Declaration& d, IpiStormParameters& p) {
    d("scenario.rate", p.rate, 1000, "function calls a second that each CPU broadcasts to all others")
        .at_least(1)
        .at_most(10'000'000);
  }
};
const DeclareParameters<IpiStormParameters> declared{"ipi_storm"};

class EmptyFunction final : public RemoteCall {
 public:
  void run(Core&) override {}
};

class IpiStorm final : public Scenario {
 public:
  explicit IpiStorm(const Configuration& configuration)
      : interval_(std::chrono::duration_cast<Duration>(std::chrono::seconds(1)) /
                  read_parameters<IpiStormParameters>(configuration).rate) {}

  void start(Experiment& x) override {
    ipi_ = x.operation("ipi");
    sleep_.emplace(x.system());
    x.expect_ready(x.cpus());
    x.on_each_cpu([&](CoreId cpu) {
      spawn_process_at_boot(x.system(), "broadcaster on cpu " + std::to_string(cpu.value()), cpu,
                            [this, &x, cpu](Task& task) { broadcast(x, task, cpu); })
          .bound = true;
    });
  }
  bool maps_memory() const override { return false; }

 private:
  void broadcast(Experiment& x, Task& task, CoreId cpu) {
    RandomStream phases = x.random("ipi phase " + std::to_string(cpu.value()));
    const Instant first(phases.below(interval_));
    x.ready(task);
    for (;;) {
      sleep_->until(task, next_after(task.now(), first));
      if (x.over()) break;
      const OperationStart start = x.begin(task, "ipi");
      smp_call_function(x.system(), task.core(), function_);
      x.end(ipi_, start, task);
    }
    exit_task(x.system(), task);
  }

  // hrtimer_forward(): instants that have passed meanwhile are left out.
  Instant next_after(Instant now, Instant first) const {
    return now < first ? first : first + ((now - first) / interval_ + 1) * interval_;
  }

  const Duration interval_;
  OperationId ipi_{};
  EmptyFunction function_;
  std::optional<Nanosleep> sleep_;
};

const Registered<Scenario> registered{
    "ipi_storm", "each CPU, idle otherwise: have all others run an empty function, at regular intervals",
    [](const Configuration& c) { return std::make_unique<IpiStorm>(c); }};

} // namespace
} // namespace mmsim
