// munmap: map, touch and unmap `pages` pages again and again, on each CPU in an area of its own: by threads
// of one process (every unmap must tell the other threads' cores) or by processes (nobody has to be told).
// Each CPU has done one round before the warm-up, so that its free pages and slab objects are at hand as on a
// machine that has run. Named after will-it-scale's tlb_flush and the munmap benchmarks of the RadixVM paper.

#include "scenarios/users.hpp"

namespace mmsim {

namespace {

struct MunmapParameters {
  std::string mode;
  std::int64_t pages;
  Duration think;
  static void declare(Declaration& d, MunmapParameters& p) {
    d("scenario.mode", p.mode, "threads", "who shares: threads of one process, or processes")
        .one_of({"threads", "processes"});
    d("scenario.pages", p.pages, 1, "pages of an area").at_least(1);
    d("scenario.think", p.think, "2 us", "mean user time between rounds, exponential");
  }
};
const DeclareParameters<MunmapParameters> declared{"munmap"};

class Munmap final : public Scenario {
 public:
  explicit Munmap(const Configuration& configuration)
      : parameters_(read_parameters<MunmapParameters>(configuration)) {}

  void start(Experiment& x) override {
    mmap_ = x.operation("mmap");
    demand_fault_ = x.operation("demand_fault");
    munmap_ = x.operation("munmap");
    x.expect_ready(x.cpus());
    spawn_users(x, parameters_.mode, "mapper",
                [this, &x](Task& task, CoreId cpu) { map_and_unmap(x, task, cpu); });
  }

 private:
  void map_and_unmap(Experiment& x, Task& task, CoreId cpu) {
    System& system = x.system();
    RandomStream thinks = x.random("think " + std::to_string(cpu.value()));
    const auto pages = static_cast<std::uint64_t>(parameters_.pages);
    const auto round = [&] {
      run_user(system, task, thinks.exponential(parameters_.think));
      OperationStart start = x.begin(task, "mmap");
      // Areas of different CPUs share no table page, as the benchmarks take care of.
      const PageNumber area = x.required(task, mmap(system, task, pages, TablePage::entries));
      x.end(mmap_, start, task);
      for (std::uint64_t page = 0; page < pages; ++page) {
        start = x.begin(task, "demand_fault");
        touch(system, task, area + page, AccessKind::write);
        x.end(demand_fault_, start, task);
      }
      start = x.begin(task, "munmap");
      munmap(system, task, area, pages);
      x.end(munmap_, start, task);
    };
    round();
    x.ready(task);
    while (!x.over())
      round();
    exit_task(system, task);
  }

  const MunmapParameters parameters_;
  OperationId mmap_{}, demand_fault_{}, munmap_{};
};

const Registered<Scenario> registered{"munmap",
                                      "each CPU: map, touch and unmap pages, as threads or processes",
                                      [](const Configuration& c) { return std::make_unique<Munmap>(c); }};

} // namespace
} // namespace mmsim
