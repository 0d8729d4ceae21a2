// page_fault: on each CPU map `pages` pages, write to each of them once and unmap them, again and again, as
// processes or as threads of one process. Named after will-it-scale's page_fault1, which has 32768 pages (128
// MiB); fewer here, since a round of them is what the measured window must hold. The faults are what is
// measured: zone->lock, lru_lock and the clearing of pages between processes, mmap_lock and the page tables
// too between threads.
//
// With areas = "shared" the threads fault in disjoint parts of one area, each page once and none is dropped,
// as pft (page fault test, of mmtests) does: `pages` is the part of a thread, and must last for warm-up and
// window.

#include "scenarios/address_space_room.hpp"
#include "scenarios/users.hpp"

#include <optional>
#include <spdlog/fmt/fmt.h>

namespace mmsim {

namespace {

struct PageFaultParameters {
  std::string mode, areas, placement;
  std::int64_t pages;
  Duration think;
  static void declare(Declaration& d, PageFaultParameters& p) {
    d("scenario.mode", p.mode, "processes", "who faults: processes, or threads of one process")
        .one_of({"processes", "threads"});
    d("scenario.areas", p.areas, "own",
      "where threads fault: each in areas of its own, which it maps and unmaps, or in its part of one area "
      "that all share (pft), each page once")
        .one_of({"own", "shared"});
    d("scenario.pages", p.pages, 256, "pages of an area, or of a thread's part of it; page_fault1 has 32768")
        .at_least(1);
    d("scenario.placement", p.placement, "apart", PlacementParameter::help).one_of({"apart", "packed"});
    d("scenario.think", p.think, "0 ns", "mean user time between rounds, exponential").at_most("100 ms");
  }
};
const DeclareParameters<PageFaultParameters> declared{"page_fault"};

class PageFault final : public Scenario {
 public:
  explicit PageFault(const Configuration& configuration)
      : parameters_(read_parameters<PageFaultParameters>(configuration)),
        placement_(PlacementParameter::of(parameters_.placement)) {
    AddressSpaceRoom(configuration)
        .check("scenario.pages", parameters_.pages,
               {.areas = users_of_an_mm(configuration, parameters_.mode), .placement = placement_});
    if (parameters_.areas != "shared") return;
    if (parameters_.mode != "threads")
      throw InputError(
          "scenario.areas = \"shared\" is for scenario.mode = \"threads\": processes have areas of their own",
          configuration.last_written({"scenario.areas", "scenario.mode"}));
    if (placement_ == Placement::packed)
      throw InputError(
          "scenario.placement = \"packed\" is for scenario.areas = \"own\": of one area that all share each "
          "thread has whole page tables",
          configuration.last_written({"scenario.placement", "scenario.areas"}));
  }

  void start(Experiment& x) override {
    demand_fault_ = x.operation("demand_fault");
    x.expect_ready(x.cpus());
    if (parameters_.areas == "shared") {
      spawn_users(x, parameters_.mode, "faulter",
                  [this, &x](Task& task, CoreId cpu) { fault_in_part(x, task, cpu); });
      return;
    }
    munmap_ = x.operation("munmap");
    spawn_users(
        x, parameters_.mode, "faulter",
        [this, &x](Task& task, CoreId cpu) { fault_in_and_drop(x, task, cpu); }, placement_);
  }
  std::vector<std::string> warnings() const override {
    if (ran_out_ == 0) return {};
    return {fmt::format("{} threads had touched all of their part of the area before the window closed: more "
                        "scenario.pages would measure them to its end",
                        ran_out_)};
  }

 private:
  void fault_in_part(Experiment& x, Task& task, CoreId cpu) {
    System& system = x.system();
    const auto pages = static_cast<std::uint64_t>(parameters_.pages);
    // Whole tables each, so that threads meet at the area, not at a table's lock.
    const std::uint64_t part = (pages + TablePage::entries - 1) / TablePage::entries * TablePage::entries;
    RandomStream thinks = x.random("think " + std::to_string(cpu.value()));
    if (cpu == CoreId(0)) area_ = x.required(task, mmap(system, task, part * x.cpus(), TablePage::entries));
    x.ready(task);
    std::uint64_t page = 0;
    for (; area_ && page < pages && !x.over(); ++page) {
      run_user(system, task, thinks.exponential(parameters_.think));
      const OperationStart start = x.begin(task, "demand_fault");
      touch(system, task, *area_ + cpu.value() * part + page, AccessKind::write);
      x.end(demand_fault_, start, task);
    }
    if (page == pages && !x.over()) ++ran_out_;
    exit_task(system, task);
  }

  void fault_in_and_drop(Experiment& x, Task& task, CoreId cpu) {
    System& system = x.system();
    RandomStream thinks = x.random("think " + std::to_string(cpu.value()));
    const auto most = static_cast<std::uint64_t>(parameters_.pages);
    // The first round is of any length, so that those of different CPUs are not in step.
    std::uint64_t pages = 1 + x.random("phase " + std::to_string(cpu.value())).below(most);
    x.ready(task);
    for (; !x.over(); pages = most) {
      run_user(system, task, thinks.exponential(parameters_.think));
      // Apart, threads' areas share neither a table page nor a vm_area_struct, as if each had far more of them.
      const UserArea wanted(placement_, parameters_.mode, pages);
      const PageNumber area = x.required(task, mmap(system, task, wanted.pages, wanted.alignment));
      for (std::uint64_t page = 0; page < pages && !x.over(); ++page) {
        const OperationStart start = x.begin(task, "demand_fault");
        touch(system, task, area + page, AccessKind::write);
        x.end(demand_fault_, start, task);
      }
      const OperationStart start = x.begin(task, "munmap");
      x.required(task, munmap(system, task, area, wanted.pages), "munmap");
      x.end(munmap_, start, task);
    }
    exit_task(system, task);
  }

  const PageFaultParameters parameters_;
  const Placement placement_;
  OperationId demand_fault_{}, munmap_{};
  std::optional<PageNumber> area_; // the one that all share
  std::uint32_t ran_out_ = 0;
};

const Registered<Scenario> registered{"page_fault",
                                      "each CPU: fault pages in and drop them, as processes or threads",
                                      [](const Configuration& c) { return std::make_unique<PageFault>(c); }};

} // namespace
} // namespace mmsim
