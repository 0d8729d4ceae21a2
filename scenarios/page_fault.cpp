// page_fault: on each CPU map `pages` pages, write to each of them once and unmap them, again and again, as
// processes or as threads of one process. Named after will-it-scale's page_fault1, which has 32768 pages (128
// MiB); fewer here, since a round of them is what the measured window must hold. The faults are what is
// measured: zone->lock, lru_lock and the clearing of pages between processes, mmap_lock and the page tables
// too between threads.

#include "scenarios/users.hpp"

namespace mmsim {

namespace {

struct PageFaultParameters {
  std::string mode;
  std::int64_t pages;
  Duration think;
  static void declare(Declaration& d, PageFaultParameters& p) {
    d("scenario.mode", p.mode, "processes", "who faults: processes, or threads of one process")
        .one_of({"processes", "threads"});
    d("scenario.pages", p.pages, 256, "pages of an area; page_fault1 has 32768").at_least(1);
    d("scenario.think", p.think, "0 ns", "mean user time between rounds, exponential").at_most("100 ms");
  }
};
const DeclareParameters<PageFaultParameters> declared{"page_fault"};

class PageFault final : public Scenario {
 public:
  explicit PageFault(const Configuration& configuration)
      : parameters_(read_parameters<PageFaultParameters>(configuration)) {}

  void start(Experiment& x) override {
    demand_fault_ = x.operation("demand_fault");
    munmap_ = x.operation("munmap");
    x.expect_ready(x.cpus());
    spawn_users(x, parameters_.mode, "faulter",
                [this, &x](Task& task, CoreId cpu) { fault_in_and_drop(x, task, cpu); });
  }

 private:
  void fault_in_and_drop(Experiment& x, Task& task, CoreId cpu) {
    System& system = x.system();
    RandomStream thinks = x.random("think " + std::to_string(cpu.value()));
    const auto most = static_cast<std::uint64_t>(parameters_.pages);
    // The first round is of any length, so that those of different CPUs are not in step.
    std::uint64_t pages = 1 + x.random("phase " + std::to_string(cpu.value())).below(most);
    x.ready(task);
    for (; !x.over(); pages = most) {
      run_user(system, task, thinks.exponential(parameters_.think));
      // Threads' areas share no table page, as if each had far more of them.
      const PageNumber area = x.required(task, mmap(system, task, pages, TablePage::entries));
      for (std::uint64_t page = 0; page < pages && !x.over(); ++page) {
        const OperationStart start = x.begin(task, "demand_fault");
        touch(system, task, area + page, AccessKind::write);
        x.end(demand_fault_, start, task);
      }
      const OperationStart start = x.begin(task, "munmap");
      munmap(system, task, area, pages);
      x.end(munmap_, start, task);
    }
    exit_task(system, task);
  }

  const PageFaultParameters parameters_;
  OperationId demand_fault_{}, munmap_{};
};

const Registered<Scenario> registered{"page_fault",
                                      "each CPU: fault pages in and drop them, as processes or threads",
                                      [](const Configuration& c) { return std::make_unique<PageFault>(c); }};

} // namespace
} // namespace mmsim
