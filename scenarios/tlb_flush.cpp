// tlb_flush: each CPU flushes `pages` pages of its address space again and again, and nothing else of the
// kernel's: no system call, no area and no entry changes. What it shows is what a flush itself costs, by
// pages, by who shares the address space (`mode`) and by how many flush at once (`flushers`); it is the whole
// of a kernel module that times flushes, and the flushing half of an mprotect.
//
// A round is `think` of user code, `work` in the kernel, and the flush. User code touches `working_set` pages
// in turn, of which the flushed ones are the first, so that what a flush took away is filled again outside
// the operation. The tasks of CPUs that do not flush run that user code all the time.

#include "scenarios/address_space_room.hpp"
#include "scenarios/users.hpp"

#include <algorithm>
#include <spdlog/fmt/fmt.h>

namespace mmsim {

namespace {

struct TlbFlushScenarioParameters {
  std::string mode, distribution;
  std::int64_t pages, flushers, working_set;
  Duration think, work, stretch, access_interval;
  static void declare(Declaration& d, TlbFlushScenarioParameters& p) {
    d("scenario.mode", p.mode, "processes", "who shares: threads of one process, or processes")
        .one_of({"threads", "processes"});
    d("scenario.pages", p.pages, 1, "pages of a flush; 0: the whole address space").at_least(0);
    d("scenario.flushers", p.flushers, 0,
      "so many CPUs flush, the first ones, and the others run user code; 0: all flush")
        .at_least(0);
    d("scenario.think", p.think, "2 us", "mean user time before each flush").at_most("100 ms");
    d("scenario.distribution", p.distribution, "exponential", "of scenario.think")
        .one_of({"exponential", "constant"});
    d("scenario.work", p.work, "0 ns", "kernel time before each flush, constant").at_most("100 ms");
    d("scenario.stretch", p.stretch, "10 us",
      "user code that a CPU which does not flush runs before it looks whether the window has closed")
        .at_least("1 ns");
    d("scenario.working_set", p.working_set, 0,
      "pages that user code touches in turn; 0: it stays in its registers and first page")
        .at_least(0);
    d("scenario.access_interval", p.access_interval, "50 ns",
      "time between accesses of user code that leave its registers and first page")
        .at_least("1 ns");
  }
};
const DeclareParameters<TlbFlushScenarioParameters> declared{"tlb_flush"};

std::uint32_t checked_flushers(std::int64_t flushers, const Configuration& configuration) {
  const std::int64_t cpus = read_parameters<RunParameters>(configuration).cpus;
  if (flushers > cpus)
    throw InputError(
        fmt::format("scenario.flushers = {}, but run.cpus = {}: choose 0 (all) to {}", flushers, cpus, cpus),
        configuration.origin_of("scenario.flushers"));
  return static_cast<std::uint32_t>(flushers == 0 ? cpus : flushers);
}

class TlbFlush final : public Scenario {
 public:
  explicit TlbFlush(const Configuration& configuration)
      : parameters_(read_parameters<TlbFlushScenarioParameters>(configuration)),
        flushers_(checked_flushers(parameters_.flushers, configuration)) {
    const AddressSpaceRoom room(configuration);
    const AddressSpaceRoom::Wanted wanted{.areas = users_of_an_mm(configuration, parameters_.mode),
                                          .placement = Placement::apart};
    room.check("scenario.pages", parameters_.pages, wanted);
    room.check("scenario.working_set", parameters_.working_set, wanted);
  }

  void start(Experiment& x) override {
    flush_ = x.operation("flush");
    x.expect_ready(x.cpus());
    spawn_users(x, parameters_.mode, "flusher", [this, &x](Task& task, CoreId cpu) {
      const auto pages = static_cast<std::uint64_t>(parameters_.pages);
      const auto touched = static_cast<std::uint64_t>(parameters_.working_set);
      // The whole address space and no working set is no area: one page all the same.
      const std::uint64_t mapped = std::max({pages, touched, std::uint64_t{1}});
      const PageNumber area =
          x.required(task, mmap(x.system(), task, pages_apart(mapped), TablePage::entries));
      for (std::uint64_t page = 0; page < touched; ++page)
        touch(x.system(), task, area + page, AccessKind::write);
      WorkingSet set{area, touched, parameters_.access_interval, AccessKind::write};
      WorkingSet* const user_set = touched > 0 ? &set : nullptr;
      x.ready(task);
      if (cpu.value() < flushers_)
        flush(x, task, cpu, area, user_set);
      else
        while (!x.over())
          run_user(x.system(), task, parameters_.stretch, user_set);
      exit_task(x.system(), task);
    });
  }

 private:
  void flush(Experiment& x, Task& task, CoreId cpu, PageNumber area, WorkingSet* set) {
    System& system = x.system();
    RandomStream thinks = x.random("think " + std::to_string(cpu.value()));
    const bool constant = parameters_.distribution == "constant";
    while (!x.over()) {
      if (parameters_.think.count() > 0)
        run_user(system, task, constant ? parameters_.think : thinks.exponential(parameters_.think), set);
      Core& core = task.core();
      core.charge(parameters_.work, Account::work);
      const OperationStart start = x.begin(task, "flush");
      if (parameters_.pages == 0)
        system.flusher.flush_mm(core, *task.mm, false);
      else
        system.flusher.flush_range(core, *task.mm, area, area + static_cast<std::uint64_t>(parameters_.pages),
                                   false);
      x.end(flush_, start, task);
    }
  }

  const TlbFlushScenarioParameters parameters_;
  const std::uint32_t flushers_;
  OperationId flush_{};
};

const Registered<Scenario> registered{
    "tlb_flush", "each CPU: flush pages of its address space, or all of it, as threads or processes",
    [](const Configuration& c) { return std::make_unique<TlbFlush>(c); }};

} // namespace
} // namespace mmsim
