#include "sim/record/trace.hpp"

#include <algorithm>
#include <utility>

#include "sim/record/trace_layout.hpp"

namespace mmsim {

namespace {

constexpr Duration sample_interval = std::chrono::microseconds(1);
// No event of the file is shorter than this, with its comma and its line's end.
constexpr std::uint64_t least_bytes = 80;

} // namespace

// Hears of the bookings of one task, and knows where it is and in which operations.
class Trace::Task final : public LedgerObserver {
 public:
  static constexpr std::uint32_t off_core = UINT32_MAX;
  struct Open {
    WaitLog::Mark mark;
    std::uint16_t name;
    TraceOperation::Part part;
    Ledger::Snapshot books;
  };

  Task(Trace& trace, std::uint32_t pid) : trace_(trace), pid(pid) {}
  void booked(const Ledger&, Account account, WaitId whom, Instant from, Instant until) override {
    booked_until = until;
    trace_.booked(*this, account, whom, from, until);
  }
  void open_operation(const Open& operation) {
    if (open.size() == WaitLog::most_open) open.erase(open.begin()); // given up long ago, as in WaitLog
    open.push_back(operation);
  }
  /// Takes it out, with those that began inside it; nothing if it is not known.
  std::optional<Open> take(WaitLog::Mark mark) {
    while (!open.empty() && open.back().mark > mark)
      open.pop_back();
    if (open.empty() || open.back().mark != mark) return {};
    const Open found = open.back();
    open.pop_back();
    return found;
  }

 private:
  Trace& trace_;

 public:
  const std::uint32_t pid;
  std::uint32_t core = off_core;
  Instant booked_until{};
  std::vector<Open> open;
};

// Until the measured window is known, nothing is inside it.
Trace::Trace(Options options) : options_(options) {
  data_.window = options_.window.value_or(TraceWindow{Instant::max(), Instant::max()});
  data_.measured = {Instant::max(), Instant::max()};
}

Trace::~Trace() = default;

void Trace::set_cores(std::uint32_t cores) {
  cores_.resize(cores);
  data_.cores = cores;
}

void Trace::task_made(std::uint32_t pid, std::string_view name, Ledger& ledger) {
  if (tasks_.size() <= pid) {
    tasks_.resize(pid + 1);
    data_.tasks.resize(pid + 1);
  }
  data_.tasks[pid] = name;
  tasks_[pid] = std::make_unique<Task>(*this, pid);
  ledger.set_observer(tasks_[pid].get());
}

void Trace::switched(std::uint32_t core, std::uint32_t previous, std::uint32_t next, Instant now) {
  end_run(core, now);
  if (Task* leaving = task(previous)) leaving->core = Task::off_core;
  Core& state = cores_[core];
  state.latest = no_record;
  state.since = now;
  Task* const comes = task(next);
  state.running = comes != nullptr ? next : nobody;
  if (comes != nullptr) comes->core = core;
}

void Trace::end_run(std::uint32_t core, Instant now) {
  const Core& state = cores_[core];
  if (state.running == nobody || state.since == now) return;
  record(TraceRecord{
      .begin = state.since, .end = now, .track = core, .ref = state.running, .kind = TraceRecord::Kind::run});
}

// Bookings that follow each other are one slice, but not across the edge of an operation. Those of a handler are the
// handler's slice.
void Trace::booked(Task& task, Account account, WaitId whom, Instant from, Instant until) {
  if (finished_ || !in_window(from, until)) return; // what is torn down after the end may still book
  sample(until);
  if (!is_waiting(account)) whom = {};
  TraceRecord entry{.begin = from,
                    .end = until,
                    .track = task.pid,
                    .ref = task.pid,
                    .whom = whom,
                    .kind = TraceRecord::Kind::off_core,
                    .account = account};
  if (task.core == Task::off_core) return record(entry);
  Core& core = cores_[task.core];
  if (core.in_handler) return;
  if (core.latest != no_record) {
    TraceRecord& latest = data_.records[core.latest];
    if (latest.end == from && latest.account == account && latest.whom == whom) {
      latest.end = until;
      return;
    }
  }
  entry.kind = TraceRecord::Kind::booking;
  entry.track = task.core;
  core.latest = data_.records.size();
  record(entry);
}

void Trace::record(const TraceRecord& record) {
  if (!in_window(record.begin, record.end) && !(record.begin == record.end && in_window(record.begin)))
    return;
  data_.records.push_back(record);
  stop_if_full(record.end);
}

// What is under way is still recorded when it ends.
void Trace::stop_if_full(Instant now) {
  if (data_.full || (data_.records.size() + 2 * data_.flows.size()) * least_bytes < options_.limit) return;
  data_.full = true;
  data_.window.to = std::clamp(now, data_.window.from, data_.window.to);
}

std::uint16_t Trace::name_number(std::string_view name) {
  const auto known = std::ranges::find(data_.names, name);
  const auto number = std::uint16_t(known - data_.names.begin());
  if (known == data_.names.end()) data_.names.emplace_back(name);
  return number;
}

void Trace::operation_begins(std::uint32_t pid, const char* name, const Ledger& ledger, WaitLog::Mark mark) {
  Task* const self = task(pid);
  if (self == nullptr) return;
  self->open_operation({mark, name_number(name), TraceOperation::Part::whole, ledger.snapshot()});
  if (self->core != Task::off_core) cores_[self->core].latest = no_record;
}

void Trace::operation_ends(std::uint32_t pid, std::string_view name, const Ledger& ledger,
                           WaitLog::Mark mark) {
  Task* const self = task(pid);
  if (self == nullptr) return;
  if (self->core != Task::off_core) cores_[self->core].latest = no_record;
  if (const auto open = self->take(mark))
    keep(*self, name_number(name), open->books, ledger.snapshot(), open->part);
}

void Trace::operation_dropped(std::uint32_t pid) {
  Task* const self = task(pid);
  if (self != nullptr && !self->open.empty()) self->open.pop_back();
}

void Trace::operation_handed_on(std::uint32_t from, const Ledger& books, WaitLog::Mark mark, std::uint32_t to,
                                const Ledger::Snapshot& switched_in, WaitLog::Mark continued) {
  Task *const first = task(from), *const last = task(to);
  if (first == nullptr || last == nullptr) return;
  const auto open = first->take(mark);
  if (!open) return;
  keep(*first, open->name, open->books, books.snapshot(), TraceOperation::Part::first);
  last->open_operation({continued, open->name, TraceOperation::Part::last, switched_in});
  if (last->core != Task::off_core) cores_[last->core].latest = no_record;
}

void Trace::keep(Task& task, std::uint16_t name, const Ledger::Snapshot& begin, const Ledger::Snapshot& end,
                 TraceOperation::Part part) {
  const Instant from = begin.booked_until, until = end.booked_until;
  if (!in_window(from, until) && !(from == until && in_window(from))) return;
  TraceOperation operation{.begin = from,
                           .end = until,
                           .pid = task.pid,
                           .first_total = std::uint32_t(data_.totals.size()),
                           .name = name,
                           .part = part};
  for (std::size_t i = 0; i < account_count; ++i)
    if (const Duration total = end.totals[i] - begin.totals[i]; total.count() != 0)
      data_.totals.push_back({Account(i), total});
  operation.totals = std::uint8_t(data_.totals.size() - operation.first_total);
  record(operation);
}

// The end of the last booking is all that is known of a task that was killed.
void Trace::keep_unfinished(const Task& task, std::uint16_t name, Instant begin) {
  if (task.booked_until > begin)
    record(TraceOperation{
        .begin = begin, .end = task.booked_until, .pid = task.pid, .name = name, .unfinished = true});
}

void Trace::record(const TraceOperation& operation) {
  data_.operations.push_back(operation);
  record(TraceRecord{.begin = operation.begin,
                     .end = operation.end,
                     .track = operation.pid,
                     .ref = std::uint32_t(data_.operations.size() - 1),
                     .kind = TraceRecord::Kind::operation});
}

// An idle task has no slice from which an arrow could start.
std::uint32_t Trace::ipi_sent(std::uint32_t from, std::uint32_t to, std::uint8_t irq, Instant now) {
  if (!in_window(now) || (cores_[from].running == nobody && !cores_[from].in_handler)) return 0;
  data_.flows.push_back({.sent = now, .from = from, .to = to, .irq = irq});
  stop_if_full(now);
  return std::uint32_t(data_.flows.size());
}

void Trace::ipi_arrived(std::uint32_t flow) {
  if (flow != 0) cores_[data_.flows[flow - 1].to].arrived.push_back(flow - 1);
}

void Trace::handler_begins(std::uint32_t core, std::uint8_t irq, Instant now) {
  Core& state = cores_[core];
  state.in_handler = true;
  state.irq = irq;
  state.handler_since = now;
  state.latest = no_record;
  std::erase_if(state.arrived, [&](std::uint32_t flow) {
    if (data_.flows[flow].irq != irq) return false;
    data_.flows[flow].taken = now;
    return true;
  });
}

void Trace::handler_ends(std::uint32_t core, Instant now) {
  Core& state = cores_[core];
  state.in_handler = false;
  sample(now);
  record(TraceRecord{.begin = state.handler_since,
                     .end = now,
                     .track = core,
                     .ref = state.irq,
                     .kind = TraceRecord::Kind::interrupt,
                     .account = Account::interrupt});
}

void Trace::answered(std::uint32_t core, const void* call, Instant now) {
  if (!in_window(now)) return;
  answers_[call].push_back(std::uint32_t(data_.flows.size()));
  data_.flows.push_back({.sent = now, .from = core});
}

void Trace::answer_seen(std::uint32_t core, const void* call, Instant now) {
  const auto answers = answers_.find(call);
  if (answers == answers_.end()) return;
  for (const std::uint32_t flow : answers->second) {
    data_.flows[flow].taken = now;
    data_.flows[flow].to = core;
  }
  answers_.erase(answers);
}

void Trace::waited(const TraceRemoteWait& wait) {
  if (in_window(wait.began, wait.ended)) data_.remote_waits.push_back(wait);
}

void Trace::sample(Instant now) {
  if (!sampler_ || now < next_sample_ || !in_window(now)) return;
  const TraceSample sample = sampler_();
  next_sample_ = sample.at + sample_interval;
  const bool changed = data_.samples.empty() || data_.samples.back().free_pages != sample.free_pages ||
                       data_.samples.back().runnable != sample.runnable;
  if (changed && in_window(sample.at)) data_.samples.push_back(sample);
}

void Trace::measured(Instant begin, Instant end) {
  data_.measured = {begin, end};
  if (!options_.window) data_.window = data_.measured;
}

void Trace::measured_until(Instant end) {
  data_.measured.to = std::min(data_.measured.to, end);
  if (!options_.window) data_.window.to = std::min(data_.window.to, end);
}

void Trace::finish(Instant now, const std::function<std::string(WaitId)>& name_of) {
  if (std::exchange(finished_, true)) return;
  data_.ended = now;
  for (std::uint32_t core = 0; core < cores_.size(); ++core) {
    end_run(core, now);
    if (cores_[core].in_handler) handler_ends(core, now);
  }
  for (const auto& task : tasks_)
    if (task)
      for (const Task::Open& open : task->open)
        keep_unfinished(*task, open.name, open.books.booked_until);
  if (data_.window.from == Instant::max()) data_.window.from = now; // it never began
  data_.window.to = std::max(data_.window.from, std::min(data_.window.to, now));
  split_remote_waits(data_);
  for (const TraceRecord& record : data_.records)
    if (record.whom.known() && !data_.wait_names.contains(record.whom.value()))
      data_.wait_names.emplace(record.whom.value(), name_of(record.whom));
  sampler_ = nullptr; // what it reads is gone soon
}

} // namespace mmsim
