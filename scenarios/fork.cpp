// fork: on each CPU a process with `pages` resident pages in `vmas` areas forks, and the child exits at once.
// With `rewrite` the parent then writes all its pages, as one that works on its data does: each write takes
// a page over that nobody shares any more, and the next fork finds writable entries again. Named after
// will-it-scale's fork1 and lmbench's lat_proc fork, which do not.

#include "scenarios/process_image.hpp"
#include "scenarios/scenario.hpp"

namespace mmsim {

namespace {

struct ForkParameters {
  std::int64_t pages, vmas;
  Duration think;
  bool rewrite;
  static void declare(Declaration& d, ForkParameters& p) {
    d("scenario.pages", p.pages, 1024, "resident pages of each process").at_least(0);
    d("scenario.vmas", p.vmas, 16, "areas that they lie in").at_least(1);
    d("scenario.think", p.think, "5 us", "mean user time between forks, exponential");
    d("scenario.rewrite", p.rewrite, false, "the parent writes its pages again once the child is gone");
  }
};
const DeclareParameters<ForkParameters> declared{"fork"};

class Fork final : public Scenario {
 public:
  explicit Fork(const Configuration& configuration)
      : parameters_(read_parameters<ForkParameters>(configuration)) {}

  void start(Experiment& x) override {
    const OperationId fork_id = x.operation("fork"), exit_id = x.operation("exit");
    if (parameters_.rewrite) cow_fault_ = x.operation("cow_fault");
    x.expect_ready(x.cpus());
    x.on_each_cpu([&, fork_id, exit_id](CoreId cpu) {
      spawn_process_at_boot(
          x.system(), "parent on cpu " + std::to_string(cpu.value()), cpu,
          [this, &x, cpu, fork_id, exit_id](Task& task) { parent(x, task, cpu, fork_id, exit_id); })
          .bound = true;
    });
  }

 private:
  void parent(Experiment& x, Task& task, CoreId cpu, OperationId fork_id, OperationId exit_id) {
    RandomStream thinks = x.random("think " + std::to_string(cpu.value()));
    const std::vector<ImageArea> areas = make_image(x, task, parameters_.pages, parameters_.vmas);
    x.ready(task);
    while (!x.over()) {
      run_user(x.system(), task, thinks.exponential(parameters_.think));
      const auto exited = std::make_shared<Completion>("the child's exit");
      const auto child_body = [&x, exit_id](Task& child) {
        const OperationStart exit_start = x.begin(child, "exit");
        exit_task(x.system(), child);
        x.end(exit_id, exit_start, child);
      };
      const OperationStart start = x.begin(task, "fork");
      x.required(task, fork(x.system(), task, cpu, child_body, exited)).bound = true;
      x.end(fork_id, start, task);
      exited->wait(x.system(), task);
      if (parameters_.rewrite) write_all(x, task, areas);
    }
    exit_task(x.system(), task);
  }

  void write_all(Experiment& x, Task& task, const std::vector<ImageArea>& areas) {
    for (const ImageArea& area : areas)
      for (std::uint64_t page = 0; page < area.pages && !x.over(); ++page) {
        const OperationStart start = x.begin(task, "cow_fault");
        touch(x.system(), task, area.first + page, AccessKind::write);
        x.end(cow_fault_, start, task);
      }
  }

  const ForkParameters parameters_;
  OperationId cow_fault_{};
};

const Registered<Scenario> registered{"fork",
                                      "each CPU: a process forks and its child exits (fork1, lat_proc)",
                                      [](const Configuration& c) { return std::make_unique<Fork>(c); }};

} // namespace
} // namespace mmsim
