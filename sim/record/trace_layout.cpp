#include "sim/record/trace_layout.hpp"

#include <algorithm>
#include <tuple>
#include <utility>
#include <vector>

namespace mmsim {

namespace {

using Kind = TraceRecord::Kind;

bool is_flow(const TraceRecord& record) {
  return record.kind == Kind::flow_start || record.kind == Kind::flow_end;
}

/// The numbers of records or operations of which `chosen` holds, by pid and begin.
template <class Items, class Chosen, class Pid>
std::vector<std::uint32_t> by_task(const Items& items, Chosen&& chosen, Pid&& pid) {
  std::vector<std::uint32_t> order;
  for (std::uint32_t i = 0; i < items.size(); ++i)
    if (chosen(items[i])) order.push_back(i);
  std::ranges::sort(order, [&](std::uint32_t a, std::uint32_t b) {
    return std::tuple(pid(items[a]), items[a].begin, a) < std::tuple(pid(items[b]), items[b].begin, b);
  });
  return order;
}

// An operation stands on a core as long as its task does.
void add_parts(TraceData& data) {
  const auto runs = by_task(
      data.records, [](const TraceRecord& record) { return record.kind == Kind::run; },
      [](const TraceRecord& record) { return record.ref; });
  const auto operations = by_task(
      data.operations, [](const TraceOperation&) { return true; },
      [](const TraceOperation& operation) { return operation.pid; });
  std::size_t first = 0; // no operation before this one reaches into this run or a later one
  for (const std::uint32_t number : runs) {
    const TraceRecord run = data.records[number];
    const auto is_past = [&](const TraceOperation& operation) {
      return operation.pid < run.ref || (operation.pid == run.ref && operation.end < run.begin);
    };
    while (first < operations.size() && is_past(data.operations[operations[first]]))
      ++first;
    for (std::size_t i = first; i < operations.size(); ++i) {
      const TraceOperation& operation = data.operations[operations[i]];
      if (operation.pid != run.ref || operation.begin >= run.end) break;
      const Instant begin = std::max(operation.begin, run.begin), end = std::min(operation.end, run.end);
      if (begin < end || (operation.begin == operation.end && run.begin <= begin))
        data.records.push_back(
            {.begin = begin, .end = end, .track = run.track, .ref = operations[i], .kind = Kind::part});
    }
  }
}

void add_flows(TraceData& data) {
  for (std::uint32_t i = 0; i < data.flows.size(); ++i) {
    const TraceFlow& flow = data.flows[i];
    if (flow.taken >= data.window.to) continue;
    data.records.push_back(
        {.begin = flow.sent, .end = flow.sent, .track = flow.from, .ref = i, .kind = Kind::flow_start});
    data.records.push_back(
        {.begin = flow.taken, .end = flow.taken, .track = flow.to, .ref = i, .kind = Kind::flow_end});
  }
}

/// False: nothing of it is inside.
bool clip(TraceRecord& record, const TraceWindow& window) {
  if (record.begin >= window.to || record.end < window.from) return false;
  if (record.end == window.from && record.begin < record.end) return false;
  if (record.begin < window.from) {
    record.begin = window.from;
    record.clipped |= TraceRecord::clipped_begin;
  }
  if (record.end > window.to) {
    record.end = window.to;
    record.clipped |= TraceRecord::clipped_end;
  }
  return true;
}

// The operation that ends last is recorded last: of those of one length it is the outer one.
bool comes_before(const TraceRecord& a, const TraceRecord& b) {
  const auto key = [](const TraceRecord& record) {
    const bool operation = record.kind == Kind::operation || record.kind == Kind::part;
    return std::tuple(record.on_task(), record.track, record.begin, Instant::max() - record.end, record.kind,
                      operation ? UINT32_MAX - record.ref : record.ref);
  };
  return key(a) < key(b);
}

} // namespace

// A core waits for one answer at a time, and its bookings stand in the order of time; so do its waits.
void split_remote_waits(TraceData& data) {
  std::vector<std::vector<const TraceRemoteWait*>> waits(data.cores);
  for (const TraceRemoteWait& wait : data.remote_waits)
    waits[wait.core].push_back(&wait);
  std::vector<std::size_t> next(data.cores);
  const std::size_t booked = data.records.size();
  for (std::size_t i = 0; i < booked; ++i) {
    const TraceRecord whole = data.records[i];
    if (whole.kind != Kind::booking || whole.whom.kind() != WaitKind::handler) continue;
    std::size_t& wait = next[whole.track];
    const auto& own = waits[whole.track];
    while (wait < own.size() && own[wait]->ended <= whole.begin)
      ++wait;
    if (wait == own.size() || own[wait]->began > whole.begin || own[wait]->booked_for != whole.whom) continue;
    const TraceRemoteWait& was = *own[wait];
    Instant begin = whole.begin;
    bool first = true;
    const auto add = [&](WaitKind kind, Instant until) {
      const Instant end = std::min(until, whole.end);
      if (end <= begin) return;
      TraceRecord piece = whole;
      piece.begin = std::exchange(begin, end);
      piece.end = end;
      piece.whom = WaitId(kind, was.answered);
      if (std::exchange(first, false))
        data.records[i] = piece;
      else
        data.records.push_back(piece);
    };
    add(WaitKind::ipi, was.arrived);
    add(WaitKind::irqs_off, was.taken);
    add(WaitKind::handler, whole.end);
  }
}

void lay_out_trace(TraceData& data) {
  add_parts(data);
  add_flows(data);
  std::erase_if(data.records, [&](TraceRecord& record) { return !clip(record, data.window); });
  std::ranges::sort(data.records, comes_before);
}

void cut_trace(TraceData& data, Instant to) {
  data.window.to = to;
  std::erase_if(data.records, [&](TraceRecord& record) {
    if (is_flow(record)) return data.flows[record.ref].taken >= to || data.flows[record.ref].sent >= to;
    return !clip(record, data.window);
  });
  std::erase_if(data.samples, [&](const TraceSample& sample) { return sample.at >= to; });
}

} // namespace mmsim
