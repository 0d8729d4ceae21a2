// context_switch: on each CPU a ring of processes; each touches its working set and passes the turn on.
//
// With two it is the ping-pong of the benchmarks (lmbench's lat_ctx, Lutomirski's for PCID), by eventfd. An
// operation is one hand-over: from the write() that wakes the next process until that one has touched its
// working set once, since what a switch costs is paid there too: what the TLB has lost must be walked for
// again. With kernel.asid_bits = 0 that is everything, with ids what did not fit beside the others.

#include "models/operations/eventfd.hpp"
#include "scenarios/address_space_room.hpp"

#include <spdlog/fmt/fmt.h>

namespace mmsim {

namespace {

struct ContextSwitchParameters {
  std::int64_t working_set, processes;
  static void declare(Declaration& d, ContextSwitchParameters& p) {
    d("scenario.working_set", p.working_set, 16, "pages that a process reads in each of its turns")
        .at_least(0);
    d("scenario.processes", p.processes, 2, "processes on each CPU").at_least(2).at_most(4096);
  }
};
const DeclareParameters<ContextSwitchParameters> declared{"context_switch"};

class ContextSwitch final : public Scenario {
 public:
  explicit ContextSwitch(const Configuration& configuration)
      : parameters_(read_parameters<ContextSwitchParameters>(configuration)) {
    AddressSpaceRoom(configuration)
        .check("scenario.working_set", parameters_.working_set, {.beside = most_in_front});
  }

  void start(Experiment& x) override {
    context_switch_ = x.operation("context_switch");
    const auto processes = static_cast<std::size_t>(parameters_.processes);
    x.expect_ready(x.cpus() * processes);
    rings_.resize(x.cpus());
    x.on_each_cpu([&](CoreId cpu) {
      Ring& ring = rings_[cpu.value()];
      for (std::size_t i = 0; i < processes; ++i)
        ring.turns.push_back(std::make_unique<EventFd>(x.system()));
      for (std::size_t i = 0; i < processes; ++i)
        BootProcess(x)
            .spawn(fmt::format("process {} on cpu {}", i, cpu.value()), cpu,
                   [this, &x, &ring, i](Task& task) { live(x, task, ring, i); })
            .bound = true;
    });
  }

 private:
  static constexpr std::uint64_t most_in_front = 256; ///< pages that are mapped before the working set
  struct Ring {
    std::vector<std::unique_ptr<EventFd>> turns;
    std::optional<OperationStart> switching; // the hand-over under way
    Task* from = nullptr;
    std::size_t passed =
        0;               // hand-overs so far; in the first round the next one may still wait to be made ready
    bool broken = false; // somebody was killed
  };

  void live(Experiment& x, Task& task, Ring& ring, std::size_t i) {
    EventFd& next = *ring.turns[(i + 1) % ring.turns.size()];
    if (killed_in(task, [&](Task& self) { take_turns(x, self, ring, i, next); })) {
      ring.broken = true;
      next.signal(x.system(), task.core());
      throw TaskKilled{};
    }
    next.signal(x.system(), task.core()); // the others end, too
    exit_task(x.system(), task);
  }

  void take_turns(Experiment& x, Task& task, Ring& ring, std::size_t i, EventFd& next) {
    System& system = x.system();
    const auto pages = static_cast<std::uint64_t>(parameters_.working_set);
    // Address spaces begin at random (mmap_base()): at the same address all would meet in the same sets of
    // the TLB.
    RandomStream layout = x.random(fmt::format("layout of {}", task.name));
    (void)x.required(task, mmap(system, task, 1 + layout.below(most_in_front)));
    PageNumber first{};
    if (pages > 0) first = x.required(task, mmap(system, task, pages));
    for (std::uint64_t page = 0; page < pages; ++page)
      touch(system, task, first + page, AccessKind::write);
    x.ready(task);
    for (bool begins = i == 0;; begins = false) {
      if (!begins) ring.turns[i]->read(system, task);
      std::optional<OperationStart> switched;
      if (ring.switching)
        switched = Experiment::hand_on(*std::exchange(ring.switching, std::nullopt), *ring.from, task);
      for (std::uint64_t page = 0; page < pages; ++page)
        touch(system, task, first + page, AccessKind::read);
      if (switched) x.end(context_switch_, *switched, task);
      if (x.over() || ring.broken) return;
      ring.from = &task;
      if (++ring.passed > ring.turns.size()) ring.switching = x.begin(task, "context_switch");
      next.write(system, task);
    }
  }

  const ContextSwitchParameters parameters_;
  OperationId context_switch_{};
  std::vector<Ring> rings_;
};

const Registered<Scenario> registered{
    "context_switch", "each CPU: processes pass the turn round and touch their working sets",
    [](const Configuration& c) { return std::make_unique<ContextSwitch>(c); }};

} // namespace
} // namespace mmsim
