// cow: on each CPU a process forks; then parent and child each write all of its pages, so that the first
// writer of a page copies it and the second takes it over.

#include "scenarios/address_space_room.hpp"
#include "scenarios/process_image.hpp"
#include "scenarios/scenario.hpp"

namespace mmsim {

namespace {

struct CowParameters {
  std::int64_t pages;
  Duration think;
  static void declare(Declaration& d, CowParameters& p) {
    d("scenario.pages", p.pages, 64, "pages that parent and child share and write").at_least(1);
    d("scenario.think", p.think, "5 us", "mean user time between rounds, exponential");
  }
};
const DeclareParameters<CowParameters> declared{"cow"};

class Cow final : public Scenario {
 public:
  explicit Cow(const Configuration& configuration)
      : parameters_(read_parameters<CowParameters>(configuration)) {
    AddressSpaceRoom(configuration).check("scenario.pages", parameters_.pages, {});
  }

  void start(Experiment& x) override {
    fork_ = x.operation("fork");
    cow_fault_ = x.operation("cow_fault");
    exit_ = x.operation("exit");
    x.expect_ready(x.cpus());
    x.on_each_cpu([&](CoreId cpu) {
      BootProcess(x)
          .spawn("parent on cpu " + std::to_string(cpu.value()), cpu,
                 [this, &x, cpu](Task& task) { parent(x, task, cpu); })
          .bound = true;
    });
  }

 private:
  // A write that faults is the operation: the others hit entries that are writable already.
  void write_all(Experiment& x, Task& task, const std::vector<ImageArea>& areas) {
    for (const ImageArea& area : areas)
      for (std::uint64_t page = 0; page < area.pages; ++page) {
        const OperationStart start = x.begin(task, "cow_fault");
        touch(x.system(), task, area.first + page, AccessKind::write);
        x.end(cow_fault_, start, task);
      }
  }

  void parent(Experiment& x, Task& task, CoreId cpu) {
    RandomStream thinks = x.random("think " + std::to_string(cpu.value()));
    const std::vector<ImageArea> areas = make_image(x, task, parameters_.pages, 1);
    x.ready(task);
    while (!x.over()) {
      run_user(x.system(), task, thinks.exponential(parameters_.think));
      const auto exited = std::make_shared<Completion>("the child's exit");
      const auto child_body = [this, &x, areas](Task& child) { // which its parent may not outlive
        write_all(x, child, areas);
        const OperationStart exit_start = x.begin(child, "exit");
        exit_task(x.system(), child);
        x.end(exit_, exit_start, child);
      };
      const OperationStart start = x.begin(task, "fork");
      x.required(task, fork(x.system(), task, cpu, child_body, exited)).bound = true;
      x.end(fork_, start, task);
      write_all(x, task, areas);
      exited->wait(x.system(), task);
    }
    exit_task(x.system(), task);
  }

  const CowParameters parameters_;
  OperationId fork_{}, cow_fault_{}, exit_{};
};

const Registered<Scenario> registered{"cow", "fork, then parent and child write the pages that they share",
                                      [](const Configuration& c) { return std::make_unique<Cow>(c); }};

} // namespace
} // namespace mmsim
