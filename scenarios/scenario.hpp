// A scenario: a small program against models/operations.
//
//   void start(Experiment& x) override {                      // before the machine runs: make the tasks
//     const OperationId munmap_ = x.operation("munmap");
//     x.on_each_cpu([&](CoreId cpu) { spawn_process_at_boot(x.system(), ..., [&](Task& task) {
//       const PageNumber area = x.required(task, mmap(x.system(), task, pages));   // ENOMEM: it says so and ends
//       ... set up ...
//       x.ready(task);                                // waits until every task is; then the warm-up begins
//       while (!x.over()) {
//         const OperationStart start = x.begin(task, "munmap");
//         x.required(task, munmap(x.system(), task, area, pages), "munmap");
//         x.end(munmap_, start, task);
//       }
//       exit_task(x.system(), task);
//     }); });
//   }
//
// A task may be killed, or end because a system call failed, at every call that may throw TaskKilled: nothing
// that another task looks at may be on its stack, and what it holds that exit_task() does not give back
// (pins) must be given back on that way too (killed_in()). Those who wait for it at ready() go on without it.
//
// To add one: one .cpp here that derives from Scenario, declares its parameters and registers itself.
#pragma once

#include "models/operations/kill.hpp"
#include "models/operations/map.hpp"
#include "models/operations/process.hpp"
#include "models/operations/user.hpp"
#include "models/system.hpp"
#include "sim/engine/random.hpp"
#include "sim/record/operations.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mmsim {

class Experiment;

class Scenario {
 public:
  static constexpr std::string_view registry_path = "scenario.name";
  using Factory = std::function<std::unique_ptr<Scenario>(const Configuration&)>;
  virtual ~Scenario() = default;
  /// Makes the tasks. They run once this has returned.
  virtual void start(Experiment& experiment) = 0;
  /// False: nothing is mapped, so a flush policy that was never exercised deserves no warning.
  virtual bool maps_memory() const { return true; }
  /// After the run: what its reader must know beside what was measured.
  virtual std::vector<std::string> warnings() const { return {}; }
};

struct RunParameters {
  std::int64_t cpus, seed, operations, permute_ties;
  Duration warmup, duration, stall_limit;
  bool run_ahead;
  static void declare(Declaration& d, RunParameters& p);
};
inline const DeclareParameters<RunParameters> declared_run_parameters;

/// One run of a scenario: its clockwork and what it measures.
class Experiment {
 public:
  Experiment(System& system, const RunParameters& run);
  ~Experiment();

  System& system() { return system_; }
  std::uint32_t cpus() const { return system_.machine.cpus(); }
  /// The stream of random numbers of that name.
  RandomStream random(const std::string& name) const {
    return RandomStream(static_cast<std::uint64_t>(run_.seed), name);
  }
  void on_each_cpu(const std::function<void(CoreId)>& visit);

  /// Whether a run in which an operation never completes deserves a warning.
  enum class Occurs : bool { perhaps, surely };
  /// An operation to report. Before the machine runs.
  OperationId operation(std::string_view name, Occurs occurs = Occurs::surely);
  bool surely_occurs(std::string_view name) const;

  /// How often CPUs [first, first + cpus) each complete operation `id` in the window is compared: it becomes
  /// the counters served_max and served_min at the window's end. Before the machine runs.
  void compare_service(OperationId id, CoreId first, std::uint32_t cpus);

  /// The calling task has set itself up; returns when all that were announced have. Then the warm-up begins.
  void ready(Task& task);
  /// How many tasks will call ready(). Before the machine runs.
  void expect_ready(std::size_t tasks) { expected_ += tasks; }
  /// What a system call of `task` has returned, which must not be an error, as benchmarks assert: one ends its
  /// process (abort_process()) and becomes a warning of the run.
  PageNumber required(Task& task, PageNumber mapped);
  Task& required(Task& task, Task* child);
  /// `call` is the system call's name, a literal.
  void required(Task& task, Errno error, std::string_view call);
  /// System calls that failed, a name and an error once each.
  struct Failure {
    std::string_view call;
    Errno error;
    std::uint64_t times = 0; ///< also those of threads whose process another one's failure had ended by then
    std::uint64_t ended = 0; ///< processes that required() ended for it
  };
  const std::vector<Failure>& failures() const { return failures_; }

  /// True once the measured window has closed: loops end.
  bool over() const { return over_; }

  /// `task` begins an operation at this instant; `name` is named in error reports.
  OperationStart begin(Task& task, const char* name) {
    settle_and_book(task);
    task.fiber->operation = name;
    const OperationStart start = OperationRecorder::begin(task.ledger, task.now());
    if (Trace* trace = system_.machine.trace()) [[unlikely]]
      trace->operation_begins(task.pid, name, task.ledger, start.waits);
    return start;
  }
  /// What has begun was nothing to report: an access that did not fault, say. It keeps a run of a given length from
  /// being taken for stuck; one that waits for operations is.
  void drop(Task& task) {
    abandon(task);
    progress_ += run_.operations == 0;
  }
  /// What has begun has failed: nothing to report, and no progress.
  void abandon(Task& task) {
    task.fiber->operation = nullptr;
    task.ledger.close_latest();
    if (Trace* trace = system_.machine.trace()) [[unlikely]]
      trace->operation_dropped(task.pid);
  }
  /// It has completed.
  void end(OperationId id, const OperationStart& start, Task& task);
  /// The operation goes on in `to`, to which the core has just switched from `from`: one latency, one set of
  /// accounts.
  static OperationStart hand_on(const OperationStart& start, Task& from, Task& to);

  /// Called at the instant at which the measured window closes, while the machine works on; may read, not
  /// wait.
  std::function<void()> on_close;

  // What the run measured; complete once the engine has returned.
  const std::optional<OperationRecorder>& recorder() const { return recorder_; }
  const Counters::Snapshot& window_begin() const { return window_begin_; }
  const Counters::Snapshot& window_end() const { return window_end_; }
  IpiCounts window_ipis() const { return difference(ipis_at_end_, ipis_at_begin_); }

 private:
  class Watchdog;
  // Everything up to now is in the task's books. No store for nothing: they are read in wide pieces next,
  // which would wait for it.
  static void settle_and_book(Task& task) {
    Core& core = task.core();
    core.settle();
    if (task.ledger.booked_until() != core.now()) core.book(Account::work);
  }
  void open();
  void close();
  void open_gate(Core& core);
  void task_killed(Task& task);
  Failure& failure(std::string_view call, Errno error);
  void all_have_ended();

  System& system_;
  const RunParameters run_;
  std::vector<std::string> operations_, perhaps_; // the second: those of the first that need not occur
  std::size_t expected_ = 0;
  std::vector<std::uint32_t> arrived_; // pids
  std::vector<Failure> failures_;
  std::vector<std::unique_ptr<Completion>> gate_;
  std::optional<OperationRecorder> recorder_;
  Counters::Snapshot window_begin_, window_end_;
  IpiCounts ipis_at_begin_, ipis_at_end_; // of the same instants
  struct Service {
    OperationId operation;
    std::uint32_t first;
    std::vector<std::uint64_t> completed; // by CPU
  };
  std::optional<Service> service_;
  bool begun_ = false, over_ = false;
  std::uint64_t progress_ = 0; // operations ended, tasks readied
  std::unique_ptr<Watchdog> watchdog_;
};

} // namespace mmsim
