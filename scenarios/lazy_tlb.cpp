// lazy_tlb: on each CPU a user thread of one process and a kernel thread alternate, while the thread on CPU 0
// unmaps.
//
// While a core runs its kernel thread, nobody there touches user memory: a policy that knows it need not
// interrupt it. The price is paid at switches: for borrowing the address space (mm_count), for saying so, for
// looking on the way back. Each hand-over is a context_switch operation: from waking the partner to its first
// instruction.

#include "scenarios/address_space_room.hpp"
#include "scenarios/users.hpp"

namespace mmsim {

namespace {

struct LazyTlbParameters {
  std::int64_t pages, working_set;
  Duration user_burst, kernel_burst, access_interval;
  static void declare(Declaration& d, LazyTlbParameters& p) {
    d("scenario.pages", p.pages, 16, "pages that CPU 0 maps, touches and unmaps in each of its turns")
        .at_least(1);
    d("scenario.working_set", p.working_set, 32, "pages that each user thread touches in turn").at_least(1);
    d("scenario.user_burst", p.user_burst, "20 us", "mean user time of a turn, exponential");
    d("scenario.kernel_burst", p.kernel_burst, "20 us", "mean time of a kernel thread's turn, exponential");
    d("scenario.access_interval", p.access_interval, "50 ns",
      "time between accesses of user code that leave its "
      "registers and first page")
        .at_least("1 ns");
  }
};
const DeclareParameters<LazyTlbParameters> declared{"lazy_tlb"};

class LazyTlb final : public Scenario {
 public:
  explicit LazyTlb(const Configuration& configuration)
      : parameters_(read_parameters<LazyTlbParameters>(configuration)) {
    const AddressSpaceRoom room(configuration);
    const std::uint64_t threads = users_of_an_mm(configuration, "threads");
    room.check("scenario.working_set", parameters_.working_set,
               {.areas = threads, .placement = Placement::apart, .beside = TablePage::entries});
    room.check("scenario.pages", parameters_.pages,
               {.beside = threads * room.in_whole_tables(parameters_.working_set)});
  }

  void start(Experiment& x) override {
    context_switch_ = x.operation("context_switch");
    munmap_ = x.operation("munmap");
    x.expect_ready(x.cpus());
    pairs_.resize(x.cpus());
    BootProcess process(x);
    x.on_each_cpu([&](CoreId cpu) {
      Pair& pair = pairs_[cpu.value()];
      const std::string suffix = " on cpu " + std::to_string(cpu.value());
      pair.user = &process.spawn("user thread" + suffix, cpu,
                                 [this, &x, cpu](Task& task) { user_thread(x, task, cpu); });
      pair.kernel = &spawn_kthread_at_boot(x.system(), "kernel thread" + suffix, cpu,
                                           [this, &x, cpu](Task& task) { kernel_thread(x, task, cpu); });
      pair.user->bound = pair.kernel->bound = true;
    });
  }

 private:
  struct Pair {
    Task* user = nullptr;
    Task* kernel = nullptr;
    bool users_turn = true;
    std::optional<OperationStart> switching; // the hand-over under way
  };

  // Wakes the partner and sleeps until it is this one's turn again.
  void hand_over(Experiment& x, Task& self, Pair& pair, bool to_user) {
    pair.switching = x.begin(self, "context_switch");
    pair.users_turn = to_user;
    x.system().scheduler.wake(self.core(), to_user ? *pair.user : *pair.kernel);
    await_turn(x, self, pair, !to_user);
  }
  void await_turn(Experiment& x, Task& self, Pair& pair, bool of_user) {
    while (pair.users_turn != of_user)
      x.system().scheduler.block(self, Account::schedule, nullptr);
    if (pair.switching) {
      Task& from = of_user ? *pair.kernel : *pair.user;
      x.end(context_switch_, Experiment::hand_on(*pair.switching, from, self), self);
      pair.switching.reset();
    }
  }

  void user_thread(Experiment& x, Task& task, CoreId cpu) {
    System& system = x.system();
    Pair& pair = pairs_[cpu.value()];
    RandomStream bursts = x.random("user burst " + std::to_string(cpu.value()));
    const auto pages = static_cast<std::uint64_t>(parameters_.pages);
    const auto set_pages = static_cast<std::uint64_t>(parameters_.working_set);
    WorkingSet set{x.required(task, mmap(system, task, set_pages, TablePage::entries)), set_pages,
                   parameters_.access_interval, AccessKind::write};
    for (std::uint64_t page = 0; page < set_pages; ++page)
      touch(system, task, set.first + page, AccessKind::write);
    x.ready(task);
    while (!x.over()) {
      run_user(system, task, bursts.exponential(parameters_.user_burst), &set);
      if (cpu == CoreId(0)) {
        // Beside a working set, so that its table stays: a policy may skip lazy cores only if no table is
        // freed.
        const PageNumber area = x.required(task, mmap(system, task, pages));
        for (std::uint64_t page = 0; page < pages; ++page)
          touch(system, task, area + page, AccessKind::write);
        const OperationStart start = x.begin(task, "munmap");
        x.required(task, munmap(system, task, area, pages), "munmap");
        x.end(munmap_, start, task);
      }
      hand_over(x, task, pair, false);
    }
    exit_task(system, task);
  }

  void kernel_thread(Experiment& x, Task& task, CoreId cpu) {
    Pair& pair = pairs_[cpu.value()];
    RandomStream bursts = x.random("kernel burst " + std::to_string(cpu.value()));
    await_turn(x, task, pair, false);
    for (;;) {
      Core& core = task.core();
      core.charge(core.costs().work.kthread_step + bursts.exponential(parameters_.kernel_burst),
                  Account::work);
      core.settle();
      hand_over(x, task, pair, true);
    }
  }

  const LazyTlbParameters parameters_;
  OperationId context_switch_{}, munmap_{};
  std::vector<Pair> pairs_;
};

const Registered<Scenario> registered{
    "lazy_tlb",
    "each CPU: a user thread and a kernel thread alternate, while one thread of the process unmaps",
    [](const Configuration& c) { return std::make_unique<LazyTlb>(c); }};

} // namespace
} // namespace mmsim
