// gup_fork: fast page pinning against forks on write_protect_seq. The thread on CPU 0 forks a child that
// exits at once, again and again; the threads of the same process on the other CPUs pin pages of one region
// in turn, keep them for a moment and let go. With one CPU its thread does both by turns.
//
// While fork copies page tables, write_protect_seq is odd and pinning goes the slow way, which is to sleep on
// mmap_lock until fork is done (gup_fast, gup_slow count the ways). Pinned pages cost fork in turn: it copies
// them. Pinning for writing also has to undo fork's write protection, page by page.

#include "models/operations/gup.hpp"
#include "scenarios/address_space_room.hpp"
#include "scenarios/process_image.hpp"
#include "scenarios/scenario.hpp"

namespace mmsim {

namespace {

struct GupForkParameters {
  std::int64_t pages, pin;
  std::string access;
  Duration think, hold;
  static void declare(Declaration& d, GupForkParameters& p) {
    d("scenario.pages", p.pages, 1024, "pages of the region").at_least(1);
    d("scenario.pin", p.pin, 16, "pages that are pinned at once; no more than the region has").at_least(1);
    d("scenario.access", p.access, "read",
      "what pages are pinned for; `write` breaks copy-on-write after each fork, also without a fork under "
      "way")
        .one_of({"read", "write"});
    d("scenario.think", p.think, "100 us", "mean user time between forks, exponential").at_most("2 s");
    d("scenario.hold", p.hold, "2 us", "mean time for which pages stay pinned, exponential")
        .at_most("100 ms");
  }
};
const DeclareParameters<GupForkParameters> declared{"gup_fork"};

class GupFork final : public Scenario {
 public:
  explicit GupFork(const Configuration& configuration)
      : parameters_(read_parameters<GupForkParameters>(configuration)),
        kind_(parameters_.access == "write" ? AccessKind::write : AccessKind::read) {
    AddressSpaceRoom(configuration).check("scenario.pages", parameters_.pages, {});
    if (parameters_.pin <= parameters_.pages) return;
    const Entry* pin = configuration.find("scenario.pin");
    const Entry* pages = configuration.find("scenario.pages");
    throw InputError("scenario.pin = " + std::to_string(parameters_.pin) +
                         " pages at once are more than scenario.pages = " + std::to_string(parameters_.pages),
                     pin ? pin->origin : pages->origin);
  }

  void start(Experiment& x) override {
    gup_ = x.operation("gup");
    fork_ = x.operation("fork");
    x.expect_ready(x.cpus());
    BootProcess process(x);
    x.on_each_cpu([&](CoreId cpu) {
      Task& task = cpu == CoreId(0)
                       ? process.spawn("forker on cpu 0", cpu,
                                       [this, &x](Task& self) { fork_again_and_again(x, self); })
                       : process.spawn("pinner on cpu " + std::to_string(cpu.value()), cpu,
                                       [this, &x, cpu](Task& self) { pin_again_and_again(x, self, cpu); });
      task.bound = true;
    });
  }

 private:
  /// What one thread needs to pin again and again without asking the host for memory.
  struct Pinner {
    RandomStream holds;
    std::uint64_t next;
    std::vector<FrameNumber> pages{};
  };
  Pinner pinner(Experiment& x, CoreId cpu) const {
    // Each begins elsewhere.
    const auto pages = static_cast<std::uint64_t>(parameters_.pages);
    return {x.random("hold " + std::to_string(cpu.value())), cpu.value() * pages / x.cpus()};
  }

  void pin(Experiment& x, Task& task, Pinner& self) {
    const auto pages = static_cast<std::uint64_t>(parameters_.pages),
               pinned = static_cast<std::uint64_t>(parameters_.pin);
    if (self.next + pinned > pages) self.next = 0;
    const OperationStart start = x.begin(task, "gup");
    pin_user_pages_fast(x.system(), task, region_ + self.next, pinned, kind_, self.pages);
    x.end(gup_, start, task);
    self.next += pinned;
    const Duration hold = self.holds.exponential(parameters_.hold);
    const bool killed = killed_in(task, [&](Task&) { run_user(x.system(), task, hold); });
    unpin_user_pages(x.system(), task.core(), self.pages); // also as the device's file is closed
    if (killed) throw TaskKilled{};
  }

  void fork_again_and_again(Experiment& x, Task& task) {
    RandomStream thinks = x.random("think");
    Pinner self = pinner(x, CoreId(0));
    region_ = make_image(x, task, parameters_.pages, 1).front().first;
    x.ready(task);
    while (!x.over()) {
      run_user(x.system(), task, thinks.exponential(parameters_.think));
      const auto exited = std::make_shared<Completion>("the child's exit");
      const auto child_body = [&x](Task& child) { exit_task(x.system(), child); };
      const OperationStart start = x.begin(task, "fork");
      x.required(task, fork(x.system(), task, CoreId(0), child_body, exited)).bound = true;
      x.end(fork_, start, task);
      exited->wait(x.system(), task);
      if (x.cpus() == 1) pin(x, task, self);
    }
    exit_task(x.system(), task);
  }

  void pin_again_and_again(Experiment& x, Task& task, CoreId cpu) {
    Pinner self = pinner(x, cpu);
    x.ready(task); // and the region is there
    while (!x.over())
      pin(x, task, self);
    exit_task(x.system(), task);
  }

  const GupForkParameters parameters_;
  const AccessKind kind_;
  OperationId gup_{}, fork_{};
  PageNumber region_{};
};

const Registered<Scenario> registered{"gup_fork",
                                      "one thread forks while the others of its process pin pages",
                                      [](const Configuration& c) { return std::make_unique<GupFork>(c); }};

} // namespace
} // namespace mmsim
