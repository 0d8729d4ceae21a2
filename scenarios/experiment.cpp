#include "scenarios/scenario.hpp"

#include <algorithm>
#include <spdlog/fmt/fmt.h>
#include <utility>

namespace mmsim {

void RunParameters::declare(Declaration& d, RunParameters& p) {
  d("run.cpus", p.cpus, 1, "cores that run, numbered from 0 through clusters, dies and sockets")
      .at_least(1)
      .at_most(1024);
  d("run.seed", p.seed, 1, "seed of all random streams").at_least(0);
  d("run.warmup", p.warmup, "1 ms", "simulated time after set-up that is not measured");
  d("run.duration", p.duration, "10 ms", "simulated time that is measured").at_least("1 ns");
  d("run.operations", p.operations, 0,
    "measure until so many operations have completed, instead of run.duration; 0: off")
      .at_least(0);
  d("run.stall_limit", p.stall_limit, "10 s",
    "simulated time without a completed operation after which a run is stuck")
      .at_least("1 us");
  d("run.run_ahead", p.run_ahead, true,
    "run the model ahead of SimGrid's clock; off is slower and gives the same bytes");
  d("run.permute_ties", p.permute_ties, 0,
    "not 0: run events of the same instant in an order permuted by this seed, to tell conclusions from "
    "artefacts")
      .at_least(0);
}

// Ends a run in which tasks live but nothing completes any more, which ticks alone would keep going for ever.
class Experiment::Watchdog final : public Event {
 public:
  explicit Watchdog(Experiment& experiment)
      : Event(experiment.system_.engine.queue()), experiment_(experiment) {
    start();
  }
  void fire() override {
    if (experiment_.progress_ == seen_)
      experiment_.system_.engine.report_stall(
          fmt::format("stalled: no operation has completed for {} ns of simulated time",
                      nanoseconds(experiment_.run_.stall_limit)));
    seen_ = experiment_.progress_;
    start();
  }

 private:
  void start() {
    Engine& engine = experiment_.system_.engine;
    engine.queue().post(*this, engine.now() + experiment_.run_.stall_limit);
  }
  Experiment& experiment_;
  std::uint64_t seen_ = 0;
};

Experiment::Experiment(System& system, const RunParameters& run)
    : system_(system), run_(run), watchdog_(std::make_unique<Watchdog>(*this)) {
  system_.scheduler.on_quiet = [this] { all_have_ended(); };
  system_.task_killed = [this](Task& task) { task_killed(task); };
  system_.call_failed = [this](std::string_view call, Errno error) { ++failure(call, error).times; };
}

Experiment::~Experiment() = default;

void Experiment::on_each_cpu(const std::function<void(CoreId)>& visit) {
  for (std::uint32_t i = 0; i < cpus(); ++i)
    visit(CoreId(i));
}

bool Experiment::surely_occurs(std::string_view name) const {
  return std::ranges::find(perhaps_, name) == perhaps_.end();
}

OperationId Experiment::operation(std::string_view name, Occurs occurs) {
  operations_.emplace_back(name);
  if (occurs == Occurs::perhaps) perhaps_.emplace_back(name);
  return static_cast<OperationId>(operations_.size() - 1);
}

void Experiment::compare_service(OperationId id, CoreId first, std::uint32_t cpus) {
  service_ = {id, first.value(), std::vector<std::uint64_t>(cpus)};
}

void Experiment::ready(Task& task) {
  task.core().settle();
  ++progress_;
  arrived_.push_back(task.pid);
  if (arrived_.size() >= expected_) return open_gate(task.core());
  gate_.push_back(std::make_unique<Completion>("the other tasks' set-up"));
  gate_.back()->wait(system_, task);
}

void Experiment::open_gate(Core& core) {
  open();
  for (auto& waiting : gate_)
    waiting->complete(system_, core);
}

// Who was killed before the gate opened is waited for no longer, unless it waited there itself.
void Experiment::task_killed(Task& task) {
  ++progress_;
  if (recorder_ || std::ranges::find(arrived_, task.pid) != arrived_.end()) return;
  if (--expected_ == arrived_.size()) open_gate(task.core());
}

// Without tasks no further operation completes: the window that waits for a number of them closes.
void Experiment::all_have_ended() {
  watchdog_->withdraw();
  if (!recorder_ || over_ || run_.operations == 0) return;
  recorder_->close(system_.engine.now());
  close();
}

Experiment::Failure& Experiment::failure(std::string_view call, Errno error) {
  for (Failure& known : failures_)
    if (known.call == call && known.error == error) return known;
  return failures_.emplace_back(Failure{.call = call, .error = error});
}

PageNumber Experiment::required(Task& task, PageNumber mapped) {
  if (mapped != map_failed) return mapped;
  // Of which error is not in it: of the one that mmap() has told of.
  ++std::ranges::find(failures_, "mmap", &Failure::call)->ended;
  abort_process(system_, task);
}

Task& Experiment::required(Task& task, Task* child) {
  if (child != nullptr) return *child;
  Failure& failed = failure("fork", Errno::enomem);
  ++failed.times;
  ++failed.ended;
  abort_process(system_, task);
}

void Experiment::required(Task& task, Errno error, std::string_view call) {
  if (error == Errno::ok) return;
  ++failure(call, error).ended;
  abort_process(system_, task);
}

void Experiment::open() {
  const Instant begin = system_.engine.now() + run_.warmup;
  const Instant end = run_.operations > 0 ? Instant::max() : begin + run_.duration;
  recorder_.emplace(MeasuredWindow{begin, end});
  if (Trace* trace = system_.machine.trace()) trace->measured(begin, end);
  for (const std::string& name : operations_)
    recorder_->register_operation(name);
  system_.engine.at(begin, [this] {
    if (over_) return;
    begun_ = true;
    window_begin_ = system_.counters.snapshot();
    ipis_at_begin_ = system_.machine.ipis().snapshot();
    system_.counters.restart_maxima();
  });
  if (run_.operations == 0) system_.engine.at(end, [this] { close(); });
}

void Experiment::close() {
  if (Trace* trace = system_.machine.trace()) trace->measured_until(system_.engine.now());
  if (service_) {
    const auto [least, most] = std::ranges::minmax(service_->completed);
    system_.counters.add(Counter::served_max, most);
    system_.counters.add(Counter::served_min, least);
  }
  system_.counters.add(Counter::rmap_bytes, system_.rmap->bytes()); // an amount, counted once
  window_end_ = system_.counters.snapshot();
  ipis_at_end_ = system_.machine.ipis().snapshot();
  if (!begun_) { // it closed during the warm-up
    window_begin_ = window_end_;
    ipis_at_begin_ = ipis_at_end_;
  }
  over_ = true;
  if (on_close) on_close();
}

void Experiment::end(OperationId id, const OperationStart& start, Task& task) {
  settle_and_book(task);
  task.fiber->operation = nullptr;
  ++progress_;
  if (Trace* trace = system_.machine.trace()) [[unlikely]]
    trace->operation_ends(task.pid, operations_[std::size_t(id)], task.ledger, start.waits);
  if (!recorder_ || over_) return task.ledger.close(start.waits);
  recorder_->end(id, start, task.ledger, task.now());
  if (service_ && service_->operation == id && recorder_->window().contains(task.now()))
    ++service_->completed.at(task.core().id().value() - service_->first);
  if (run_.operations > 0 && recorder_->completed() >= static_cast<std::uint64_t>(run_.operations)) {
    recorder_->close(task.now());
    close();
  }
}

OperationStart Experiment::hand_on(const OperationStart& start, Task& from, Task& to) {
  // The waits of the very first time, before it was known, are for nobody known.
  to.takes_operations_over = true;
  if (!to.ledger.waits().has(to.waits_at_switch_in)) to.waits_at_switch_in = to.ledger.open();
  OperationStart continued{start.began, to.at_switch_in, std::exchange(to.waits_at_switch_in, 0)};
  const Duration others_ran = to.at_switch_in.booked_until - from.ledger.booked_until();
  if (Trace* trace = to.core().machine().trace()) [[unlikely]]
    trace->operation_handed_on(from.pid, from.ledger, start.waits, to.pid, to.at_switch_in, continued.waits);
  from.ledger.waits().since(start.waits, [&](const WaitLog::Entry& entry) {
    // Who left was woken again already: his sleep is none of this operation's.
    if (others_ran.count() < 0 && entry.account == Account::schedule) return;
    to.ledger.waits().add(entry.account, entry.whom, entry.length);
  });
  from.ledger.close(start.waits);
  for (std::size_t i = 0; i < account_count; ++i)
    continued.books.totals[i] -= from.ledger.totals()[i] - start.books.totals[i];
  // What ran in between, a kernel thread of RCU's say, is time that this operation has waited for its turn.
  continued.books.totals[index(Account::schedule)] -= others_ran;
  if (others_ran.count() > 0) to.ledger.waits().add(Account::schedule, run_queue, others_ran);
  continued.books.booked_until = start.books.booked_until;
  return continued;
}

} // namespace mmsim
