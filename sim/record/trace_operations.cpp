// The part of a trace that follows operations.
#include <algorithm>

#include "sim/record/trace.hpp"
#include "sim/record/trace_task.hpp"

namespace mmsim {

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

} // namespace mmsim
