#include "sim/record/trace_json.hpp"

#include <algorithm>
#include <iterator>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>
#include <spdlog/fmt/fmt.h>

#include "sim/machine/interrupt.hpp"
#include "sim/record/trace_layout.hpp"

namespace mmsim {
namespace {

using Kind = TraceRecord::Kind;
using Text = fmt::memory_buffer;

constexpr unsigned cores_process = 1, tasks_process = 2, machine_process = 3;
// Numbers of their own: Perfetto takes a thread's number for one thread's, whatever the process.
constexpr unsigned first_core_thread = 1000, first_task_thread = 10000;

std::string json_text(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

template <class... Values>
void add(Text& text, fmt::format_string<Values...> format, Values&&... values) {
  fmt::format_to(std::back_inserter(text), format, std::forward<Values>(values)...);
}

/// In microseconds, to the picosecond.
void add_time(Text& text, std::string_view key, Duration time) {
  add(text, ",\"{}\":{}.{:06}", key, time.count() / 1'000'000, time.count() % 1'000'000);
}

class Writer {
 public:
  explicit Writer(const TraceData& data) : data_(data) {
    for (const std::string& name : data.names)
      names_.push_back(json_text(name));
    for (const std::string& name : data.tasks)
      tasks_.push_back(json_text(name));
    for (const auto& [whom, name] : data.wait_names)
      wait_names_.emplace(whom, json_text(name));
  }

  void add_begin(Text& text) const {
    add(text, "{{\"displayTimeUnit\":\"ns\",\"otherData\":{{");
    add(text, "\"time\":\"microseconds since the start of the simulation, to the picosecond\"");
    add_window(text, "traced", data_.window);
    if (data_.measured.from != Instant::max()) add_window(text, "measured", data_.measured);
    add(text, "}},\"traceEvents\":[");
  }
  static void add_end(Text& text) { add(text, "\n]}}\n"); }

  void add_names(Text& text) const {
    add_process(text, cores_process, "cores", true);
    add_process(text, tasks_process, "tasks", false);
    add_process(text, machine_process, "machine", false);
    for (std::uint32_t core = 0; core < data_.cores; ++core)
      add_thread(text, cores_process, first_core_thread + core, fmt::format("\"cpu {}\"", core), core);
    std::uint32_t shown = UINT32_MAX;
    for (const TraceRecord& record : data_.records)
      if (record.on_task() && std::exchange(shown, record.track) != record.track)
        add_thread(text, tasks_process, first_task_thread + record.track, tasks_[record.track], record.track);
  }

  void add_event(Text& text, const TraceRecord& record) const {
    switch (record.kind) {
    case Kind::run:
      add_slice(text, record, "task", tasks_[record.ref]);
      add_args(text, record, fmt::format("\"pid\":{}", record.ref));
      break;
    case Kind::part:
      add_slice(text, record, "operation", names_[data_.operations[record.ref].name]);
      add_args(text, record, {});
      break;
    case Kind::operation:
      add_operation(text, record);
      break;
    case Kind::interrupt:
      add_slice(text, record, "interrupt", json_text(name(Irq(record.ref))));
      add_args(text, record, "\"account\":\"interrupt\"");
      break;
    case Kind::booking:
    case Kind::off_core:
      add_booking(text, record);
      break;
    case Kind::flow_start:
    case Kind::flow_end:
      add_flow(text, record);
    }
  }

  static void add_sample(Text& text, const TraceSample& sample) {
    const auto counter = [&](std::string_view name, std::int64_t value) {
      add(text, ",\n{{\"name\":\"{}\",\"ph\":\"C\"", name);
      add_time(text, "ts", sample.at.time_since_epoch());
      add(text, ",\"pid\":{},\"tid\":0,\"args\":{{\"{}\":{}}}}}", machine_process, name, value);
    };
    counter("free pages", sample.free_pages);
    counter("runnable tasks", sample.runnable);
  }

 private:
  static void add_window(Text& text, std::string_view name, const TraceWindow& window) {
    const Instant until = std::max(window.from, window.to);
    add_time(text, fmt::format("{}_from_us", name), window.from.time_since_epoch());
    if (window.to != Instant::max())
      add_time(text, fmt::format("{}_until_us", name), until.time_since_epoch());
  }

  static void add_process(Text& text, unsigned process, std::string_view name, bool first) {
    add(text,
        "{}\n{{\"name\":\"process_name\",\"ph\":\"M\",\"pid\":{},\"tid\":0,\"args\":{{\"name\":\"{}\"}}}},",
        first ? "" : ",", process, name);
    add(text,
        "\n{{\"name\":\"process_sort_index\",\"ph\":\"M\",\"pid\":{},\"tid\":0,\"args\":{{\"sort_index\":{}}}"
        "}}",
        process, process);
  }
  static void add_thread(Text& text, unsigned process, unsigned thread, std::string_view name,
                         unsigned place) {
    add(text, ",\n{{\"name\":\"thread_name\",\"ph\":\"M\",\"pid\":{},\"tid\":{},\"args\":{{\"name\":{}}}}}",
        process, thread, name);
    add(text,
        ",\n{{\"name\":\"thread_sort_index\",\"ph\":\"M\",\"pid\":{},\"tid\":{},\"args\":{{\"sort_index\":{}}"
        "}}}",
        process, thread, place);
  }

  static void add_track(Text& text, const TraceRecord& record) {
    if (record.on_task())
      add(text, ",\"pid\":{},\"tid\":{}", tasks_process, first_task_thread + record.track);
    else
      add(text, ",\"pid\":{},\"tid\":{}", cores_process, first_core_thread + record.track);
  }

  static void add_slice(Text& text, const TraceRecord& record, std::string_view category,
                        std::string_view name) {
    add(text, ",\n{{\"name\":{},\"cat\":\"{}\",\"ph\":\"X\"", name, category);
    add_time(text, "ts", record.begin.time_since_epoch());
    add_time(text, "dur", record.end - record.begin);
    add_track(text, record);
  }

  static void add_args(Text& text, const TraceRecord& record, std::string_view args) {
    constexpr std::string_view edges[] = {"", "begin", "end", "begin and end"};
    if (record.clipped != TraceRecord::not_clipped)
      add(text, ",\"args\":{{{}{}\"clipped\":\"{}\"}}}}", args, args.empty() ? "" : ",",
          edges[record.clipped]);
    else if (!args.empty())
      add(text, ",\"args\":{{{}}}}}", args);
    else
      add(text, "}}");
  }

  // Totals of an operation that is clipped would not be those of its slice.
  void add_operation(Text& text, const TraceRecord& record) const {
    const TraceOperation& operation = data_.operations[record.ref];
    add_slice(text, record, "operation", names_[operation.name]);
    std::string args;
    if (operation.part == TraceOperation::Part::first) args = "\"part\":\"first\",";
    if (operation.part == TraceOperation::Part::last) args = "\"part\":\"last\",";
    if (operation.unfinished) {
      args += "\"unfinished\":true";
    } else if (record.clipped == TraceRecord::not_clipped) {
      args += "\"accounts_ps\":{";
      for (std::uint32_t i = 0; i < operation.totals; ++i) {
        const TraceTotal& total = data_.totals[operation.first_total + i];
        args += fmt::format("{}\"{}\":{}", i > 0 ? "," : "", name(total.account), total.total.count());
      }
      args += '}';
    }
    if (args.ends_with(',')) args.pop_back();
    add_args(text, record, args);
  }

  void add_booking(Text& text, const TraceRecord& record) const {
    const std::string_view account = name(record.account);
    const std::string_view category = record.kind == Kind::booking ? "account" : "off_core";
    if (!record.whom.known()) {
      add_slice(text, record, category, fmt::format("\"{}\"", account));
      add_args(text, record, fmt::format("\"account\":\"{}\"", account));
      return;
    }
    const std::string_view kind = name(record.whom.kind());
    const std::string& whom = wait_names_.at(record.whom.value()); // with its quotes
    const std::string_view bare = std::string_view(whom).substr(1, whom.size() - 2);
    const bool kind_says_more = bare.starts_with("cpu ") || bare.empty();
    add_slice(text, record, category,
              fmt::format("\"{}: {}{}{}\"", account, kind_says_more ? kind : "",
                          kind_says_more && !bare.empty() ? " " : "", bare));
    add_args(text, record,
             fmt::format("\"account\":\"{}\",\"kind\":\"{}\",\"whom\":{}", account, kind, whom));
  }

  // An arrow's end belongs to the slice around it ("bp": "e"), not to the one that begins next.
  void add_flow(Text& text, const TraceRecord& record) const {
    const TraceFlow& flow = data_.flows[record.ref];
    const bool answer = flow.irq == TraceFlow::answer, start = record.kind == Kind::flow_start;
    add(text, ",\n{{\"name\":\"{}\",\"cat\":\"{}\",\"ph\":\"{}\",\"id\":{}",
        answer ? std::string_view("answer") : name(Irq(flow.irq)), answer ? "answer" : "ipi",
        start ? "s" : "f", record.ref + 1);
    add_time(text, "ts", record.begin.time_since_epoch());
    add_track(text, record);
    add(text, "{}", start ? "}" : ",\"bp\":\"e\"}");
  }

  const TraceData& data_;
  std::vector<std::string> names_, tasks_; // as JSON
  std::map<std::uint16_t, std::string> wait_names_;
};

/// The frame: everything but events and samples.
std::uint64_t frame_bytes(const Writer& writer) {
  Text text;
  writer.add_begin(text);
  writer.add_names(text);
  Writer::add_end(text);
  return text.size();
}

/// Where the trace must end so that what begins before fits into `room`; max if all does.
Instant end_that_fits(const TraceData& data, const Writer& writer, std::uint64_t room) {
  std::vector<std::pair<Instant, std::uint32_t>> sizes;
  std::uint64_t all = 0;
  Text text;
  const auto count = [&](Instant begin) {
    all += text.size();
    sizes.emplace_back(begin, std::uint32_t(text.size()));
    text.clear();
  };
  for (const TraceRecord& record : data.records) {
    writer.add_event(text, record);
    count(record.begin);
  }
  for (const TraceSample& sample : data.samples) {
    Writer::add_sample(text, sample);
    count(sample.at);
  }
  if (all <= room) return Instant::max();
  std::ranges::sort(sizes);
  for (const auto& [begin, bytes] : sizes) {
    if (bytes > room) return begin;
    room -= bytes;
  }
  return Instant::max();
}

} // namespace

std::uint64_t write_trace_json(TraceData& data, std::uint64_t limit,
                               const std::function<void(std::string_view)>& write) {
  constexpr std::size_t piece = 1 << 20;
  constexpr std::uint64_t clipping = 40; // bytes that a slice grows by when it is clipped
  lay_out_trace(data);
  const Writer writer(data);

  std::set<std::pair<bool, std::uint32_t>>
      tracks; // a few slices at most are open on each when the trace is cut
  for (const TraceRecord& record : data.records)
    tracks.emplace(record.on_task(), record.track);
  const std::uint64_t reserved = frame_bytes(writer) + 4 * clipping * tracks.size();
  const Instant end = end_that_fits(data, writer, limit > reserved ? limit - reserved : 0);
  if (end != Instant::max()) {
    data.full = true;
    cut_trace(data, end);
  }

  std::uint64_t written = 0;
  Text text;
  const auto flush = [&](std::size_t least) {
    if (text.size() < least) return;
    write({text.data(), text.size()});
    written += text.size();
    text.clear();
  };
  writer.add_begin(text);
  writer.add_names(text);
  for (const TraceRecord& record : data.records) {
    writer.add_event(text, record);
    flush(piece);
  }
  for (const TraceSample& sample : data.samples) {
    Writer::add_sample(text, sample);
    flush(piece);
  }
  Writer::add_end(text);
  flush(0);
  return written;
}

} // namespace mmsim
