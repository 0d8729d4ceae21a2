// A run with its trace, read back event by event. Times are in picoseconds again.
#pragma once

#include "cli/configuration_files.hpp"
#include "scenarios/run_point.hpp"
#include "sim/record/trace_json.hpp"

#include <nlohmann/json.hpp>

#include <cmath>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mmsim::tests {

/// Which thread of which process.
using TraceTrack = std::pair<int, int>;

struct TracedEvent {
  std::string name, cat;
  char ph = 0;
  TraceTrack track;
  std::int64_t begin = 0, end = 0; ///< the same but for slices
  std::uint64_t id = 0;            ///< of a flow
  nlohmann::json args;
};

/// All events but metadata, in the file's order.
inline std::vector<TracedEvent> traced_events(const nlohmann::json& trace) {
  const auto ps = [](const nlohmann::json& us) { return std::llround(us.get<double>() * 1e6); };
  std::vector<TracedEvent> events;
  for (const nlohmann::json& event : trace.at("traceEvents")) {
    TracedEvent read;
    read.name = event.at("name");
    read.cat = event.value("cat", "");
    read.ph = event.at("ph").get<std::string>().at(0);
    if (read.ph == 'M') continue;
    read.track = {event.at("pid"), event.at("tid")};
    read.begin = read.end = ps(event.at("ts"));
    if (event.contains("dur")) read.end += ps(event.at("dur"));
    if (event.contains("id")) read.id = event.at("id");
    if (event.contains("args")) read.args = event.at("args");
    events.push_back(std::move(read));
  }
  return events;
}

struct TracedRun {
  PointResult result;
  TraceWindow window; ///< that was traced
  bool full = false;
  std::string text;
};

inline constexpr TraceWindow whole_run{};
inline constexpr std::uint64_t no_limit = std::uint64_t{1} << 40;

/// In this process, once. `overrides` as after --set; no window: the measured one.
inline TracedRun traced_run(const std::vector<std::string>& overrides,
                            std::optional<TraceWindow> window = whole_run, std::uint64_t limit = no_limit) {
  TracedRun run;
  Trace trace({window, limit});
  run.result = run_point_watched(load_configuration({}, overrides), {.trace = &trace});
  run.result.host_seconds = 0;
  write_trace_json(trace.data(), limit, [&](std::string_view text) { run.text += text; });
  run.window = trace.data().window;
  run.full = trace.data().full;
  return run;
}

} // namespace mmsim::tests
