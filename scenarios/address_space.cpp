// address_space: workers make one system call on their address space (or the kernel's own) again and again, while users
// run beside them who feel what it costs others. Which call, scenario.operation says (scenarios/address_space/).
//
// The first `workers` CPUs call, on memory of their own; the others are readers. With mode = "threads" all are threads
// of one process: whatever takes a translation away must be told to all of them. With "processes" only what concerns
// kernel pages is anybody else's business. A reader runs user code over a working set of its own, in stretches of fixed
// length (the operation bystander, with the interrupts, stalls and refills that meet it), and reads between two of
// them what worker 0 shows, so that its TLB holds what is taken away next. What else is measured has the names that
// the operation gives it.
//
// Left out: workers that share the memory they work on.

#include "scenarios/address_space/address_space_operation.hpp"

#include <deque>
#include <spdlog/fmt/fmt.h>

namespace mmsim {

namespace {

struct AddressSpaceParameters {
  std::string operation, mode;
  std::int64_t pages, workers, working_set;
  Duration think, stretch, access_interval;
  static void declare(Declaration& d, AddressSpaceParameters& p) {
    d("scenario.operation", p.operation, "mremap", "what the workers do again and again")
        .registered<AddressSpaceOperation>();
    d("scenario.mode", p.mode, "threads", "who runs on the CPUs: threads of one process, or processes")
        .one_of({"threads", "processes"});
    d("scenario.pages", p.pages, 16, "pages that an operation works on").at_least(1);
    d("scenario.workers", p.workers, 1, "so many CPUs call, and the others are readers; 0: all call")
        .at_least(0);
    d("scenario.think", p.think, "2 us", "a worker's mean user time between rounds, exponential")
        .at_most("100 ms");
    d("scenario.stretch", p.stretch, "5 us", "user code of a bystander's operation").at_least("1 ns");
    d("scenario.working_set", p.working_set, 32, "pages that each reader touches in turn").at_least(1);
    d("scenario.access_interval", p.access_interval, "50 ns",
      "time between a reader's accesses that leave its registers and first page")
        .at_least("1 ns");
  }
};
const DeclareParameters<AddressSpaceParameters> declared{"address_space"};

class AddressSpace final : public Scenario {
 public:
  explicit AddressSpace(const Configuration& configuration)
      : configuration_(configuration), parameters_(read_parameters<AddressSpaceParameters>(configuration)) {
    const std::int64_t cpus = read_parameters<RunParameters>(configuration).cpus;
    if (parameters_.workers > cpus)
      throw InputError(fmt::format("scenario.workers = {}, but run.cpus = {}: choose 0 to {}",
                                   parameters_.workers, cpus, cpus),
                       configuration.origin_of("scenario.workers"));
    workers_ = static_cast<std::uint32_t>(parameters_.workers > 0 ? parameters_.workers : cpus);
    readers_ = static_cast<std::uint32_t>(cpus) - workers_;
  }

  void start(Experiment& x) override {
    const bool threads = parameters_.mode == "threads";
    operation_ = Registry<AddressSpaceOperation>::instance().create(
        parameters_.operation, AddressSpaceSetting{x.system(), configuration_, threads, workers_});
    shows_ = readers_ > 0 && (threads || operation_->shows_kernel_pages());
    const std::vector<std::string_view> names = operation_->operations();
    std::vector<OperationId> ids;
    for (const std::string_view name : names)
      ids.push_back(x.operation(name));
    if (readers_ > 0) bystander_ = x.operation("bystander");
    for (std::uint32_t i = 0; i < workers_; ++i)
      worker_list_.push_back({x, static_cast<std::uint64_t>(parameters_.pages), i, CoreId(i), names, ids,
                              [this, i](Task& task, PageNumber first) {
                                if (i == 0 && shows_) show(task, first);
                              }});
    x.expect_ready(x.cpus());
    spawn_users(x, parameters_.mode, "user", [this, &x](Task& task, CoreId cpu) {
      cpu.value() < workers_ ? work(x, task, worker_list_[cpu.value()]) : read(x, task);
      exit_task(x.system(), task);
    });
  }

 private:
  void work(Experiment& x, Task& task, AddressSpaceWorker& worker) {
    RandomStream thinks = x.random("think " + std::to_string(worker.number));
    const bool killed = killed_in(task, [&](Task& self) {
      operation_->set_up(worker, self);
      x.ready(self);
      while (!x.over()) {
        run_user(x.system(), self, thinks.exponential(parameters_.think));
        operation_->round(worker, self);
      }
    });
    if (worker.number == 0) ended_ = true;
    if (killed) throw TaskKilled{};
  }

  // Worker 0 waits, in user mode, until all readers have been through it.
  void show(Task& task, PageNumber first) {
    System& system = worker_list_.front().system();
    shown_ = first;
    to_read_ = readers_;
    ++shown_times_;
    while (to_read_ > 0)
      run_user(system, task, look);
  }

  void read(Experiment& x, Task& task) {
    System& system = x.system();
    std::uint64_t seen = 0;
    const bool killed = killed_in(task, [&](Task& self) {
      const auto pages = static_cast<std::uint64_t>(parameters_.working_set);
      const PageNumber own = x.required(self, mmap(system, self, pages_apart(pages), TablePage::entries));
      for (std::uint64_t page = 0; page < pages; ++page)
        touch(system, self, own + page, AccessKind::write);
      WorkingSet set{own, pages, parameters_.access_interval, AccessKind::write};
      x.ready(self);
      while (!ended_) {
        if (x.over()) {
          run_user(system, self, look);
        } else {
          const OperationStart start = x.begin(self, "bystander");
          run_user(system, self, parameters_.stretch, &set);
          x.end(bystander_, start, self);
        }
        if (seen == shown_times_) continue;
        for (std::int64_t page = 0; page < parameters_.pages; ++page)
          operation_->read(system, self, shown_ + static_cast<std::uint64_t>(page));
        self.core().settle();
        ++seen;
        --to_read_;
      }
    });
    if (!killed) return;
    --readers_;
    if (seen != shown_times_) --to_read_;
    throw TaskKilled{};
  }

  static constexpr Duration look =
      std::chrono::nanoseconds(100); // how often user code that waits looks: finely
  const Configuration& configuration_;
  const AddressSpaceParameters parameters_;
  std::uint32_t workers_ = 0, readers_ = 0;
  std::unique_ptr<AddressSpaceOperation> operation_;
  std::deque<AddressSpaceWorker> worker_list_;
  OperationId bystander_{};
  bool shows_ = false;            ///< readers can read what the operation shows
  bool ended_ = false;            ///< worker 0 shows nothing any more
  PageNumber shown_{};            ///< what readers may read
  std::uint64_t shown_times_ = 0; ///< how often there was something
  std::uint32_t to_read_ = 0;     ///< readers that have not been through it
};

const Registered<Scenario> registered{
    "address_space", "workers call vmalloc, mremap, brk, vfork, ... while others run user code",
    [](const Configuration& c) { return std::make_unique<AddressSpace>(c); }};

} // namespace
} // namespace mmsim
