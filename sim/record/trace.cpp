#include "sim/record/trace.hpp"

#include <algorithm>
#include <utility>

#include "sim/record/trace_layout.hpp"
#include "sim/record/trace_task.hpp"

namespace mmsim {

namespace {

constexpr Duration sample_interval = std::chrono::microseconds(1);
// No event of the file is shorter than this, with its comma and its line's end.
constexpr std::uint64_t least_bytes = 80;

} // namespace

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
  if (data_.full || (data_.records.size() + 2 * data_.flows.size() + 2 * data_.samples.size()) * least_bytes < options_.limit) return;
  data_.full = true;
  data_.window.to = std::clamp(now, data_.window.from, data_.window.to);
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
