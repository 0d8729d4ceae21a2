#include "cli/trace_file.hpp"

#include <algorithm>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <spdlog/spdlog.h>

#include "sim/engine/configuration.hpp"
#include "sim/engine/units.hpp"
#include "sim/record/atomic_file.hpp"
#include "sim/record/trace_json.hpp"

namespace mmsim {
namespace {

namespace fs = std::filesystem;

constexpr const char* how =
    "; write FROM..TO in simulated time since the start of the run, e.g. \"2 ms..2.5 ms\", "
    "\"2 ms..\" or \"..2.5 ms\"";

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::string since_start(Instant at) { return to_text(at.time_since_epoch()); }

void check_writable_file(const fs::path& file) {
  const auto refuse = [&](const std::string& reason) {
    throw InputError("--trace " + file.native() + ": cannot be written: " + reason +
                     "; choose another --trace");
  };
  std::error_code error;
  const fs::path folder = file.has_parent_path() ? file.parent_path() : fs::path(".");
  const fs::file_status status = fs::status(file, error);
  if (fs::is_directory(status)) refuse("it is a folder");
  if (fs::exists(status) && !fs::is_regular_file(status)) refuse("it is no regular file");
  if (!file.has_filename()) refuse("it has no name");
  if (!fs::exists(folder, error)) refuse("there is no folder " + folder.native());
  if (!fs::is_directory(folder, error)) refuse(folder.native() + " is no folder");
  try {
    StagedFile attempt(file); // removed at once
  } catch (const std::system_error& failure) {
    refuse(failure.code().message());
  }
}

} // namespace

TraceWindow parse_trace_window(std::string_view text) {
  const auto refuse = [&](const std::string& reason) {
    throw InputError("--trace-window \"" + std::string(text) + "\": " + reason + how);
  };
  const auto dots = text.find("..");
  if (dots == std::string_view::npos) refuse("there is no \"..\"");
  const std::string_view from = trimmed(text.substr(0, dots)), to = trimmed(text.substr(dots + 2));
  if (from.empty() && to.empty()) refuse("it says neither FROM nor TO");
  TraceWindow window;
  try {
    if (!from.empty()) window.from = Instant(parse_duration(from));
    if (!to.empty()) window.to = Instant(parse_duration(to));
  } catch (const std::invalid_argument& error) {
    refuse(error.what());
  }
  if (window.from >= window.to) refuse("FROM is not before TO");
  return window;
}

TraceFile::TraceFile(fs::path file, const std::optional<std::string>& window) : file_(std::move(file)) {
  if constexpr (!trace_compiled_in)
    throw InputError("--trace: this mmsim was built without it (cmake -DMMSIM_TRACE=OFF)");
  std::optional<TraceWindow> parsed;
  if (window) parsed = parse_trace_window(*window);
  check_writable_file(file_);
  trace_ = std::make_unique<Trace>(Trace::Options{parsed, parsed ? most_bytes_of_window : most_bytes});
}

void TraceFile::write() {
  TraceData& data = trace_->data();
  const std::optional<TraceWindow>& asked = trace_->options().window;
  const Instant wanted = std::min(asked ? asked->to : data.measured.to, data.ended);
  StagedFile file(file_);
  const std::uint64_t bytes =
      write_trace_json(data, trace_->options().limit, [&](std::string_view text) { file.append(text); });
  file.finish();
  file.publish();

  if (asked && asked->from >= data.ended)
    spdlog::warn("--trace-window begins at {}, but the run ended at {}: nothing was traced",
                 since_start(asked->from), since_start(data.ended));
  else if (!asked && data.measured.from >= data.ended)
    spdlog::warn(
        "the measured window never began: nothing was traced; say which time with --trace-window FROM..TO");
  else if (data.full)
    spdlog::warn("the trace is full ({}) and ends at {} of simulated time; for what follows ask for "
                 "--trace-window \"{}..{}\"",
                 to_text(Bytes(trace_->options().limit)), since_start(data.window.to),
                 since_start(data.window.to), since_start(wanted));
  if (data.window.from >= data.window.to) {
    spdlog::info("a trace with nothing in it in {} ({} bytes)", file_.native(), bytes);
    return;
  }
  spdlog::info("the trace of {}..{} in {} ({} bytes): open it in ui.perfetto.dev or chrome://tracing",
               since_start(data.window.from), since_start(data.window.to), file_.native(), bytes);
}

} // namespace mmsim
