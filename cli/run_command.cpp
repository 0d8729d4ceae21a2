#include <algorithm>
#include <chrono>
#include <iostream>
#include <optional>

#include <spdlog/spdlog.h>

#include "cli/commands.hpp"
#include "cli/exit_status.hpp"
#include "cli/explain_tree.hpp"
#include "cli/lock_stat.hpp"
#include "cli/manifest.hpp"
#include "cli/point_check.hpp"
#include "cli/proc_directory.hpp"
#include "cli/readable.hpp"
#include "cli/sweep_directory.hpp"
#include "cli/sweep_identity.hpp"
#include "cli/terminal_table.hpp"
#include "cli/trace_file.hpp"
#include "cli/verdict.hpp"
#include "cli/what_if.hpp"
#include "scenarios/run_point.hpp"
#include "sim/engine/parameter.hpp"

namespace mmsim {
namespace {

constexpr auto right = TerminalTable::right;

double nanoseconds(Duration duration) { return double(duration.count()) / 1000; }

void show_latencies(const MergedPoint& point, const Terminal& terminal) {
  TerminalTable table({{"operation"},
                       {"count", right},
                       {"mean", right},
                       {"+-95 %", right},
                       {"p50", right},
                       {"p90", right},
                       {"p99", right},
                       {"max", right},
                       {"per second", right}});
  for (const MergedOperation& operation : point.operations) {
    const Histogram& latency = operation.latency;
    std::vector<std::string> cells{operation.name, readable_count(latency.count())};
    if (latency.count() > 0) {
      const double mean = nanoseconds(latency.sum()) / double(latency.count());
      const auto ci95 = operation.ci95();
      cells.push_back(readable_nanoseconds(mean));
      cells.push_back(ci95 && mean > 0 ? readable_share(*ci95 / 1000 / mean) : "-");
      for (const unsigned percent : {50u, 90u, 99u, 100u})
        cells.push_back(readable_nanoseconds(nanoseconds(latency.percentile(percent))));
    }
    cells.resize(8, "-");
    cells.push_back(readable_rate(point.per_second(operation)));
    table.add_row(std::move(cells));
  }
  std::cout << table.text(terminal);
}

void show_counters(const MergedPoint& point, const Terminal& terminal) {
  std::vector<std::pair<std::string, std::string>> facts;
  for (std::size_t i = 0; i < counter_count; ++i)
    if (const std::uint64_t value = point.counters.values[i];
        value != 0 || (Counter(i) == Counter::served_min && point.counters[Counter::served_max] != 0))
      facts.emplace_back(name(Counter(i)), readable_count(value));
  if (!facts.empty()) {
    // Two counters a line: half the height.
    TerminalTable table({{"counter"}, {"value", right}, {"  counter"}, {"value", right}});
    const std::size_t half = (facts.size() + 1) / 2;
    for (std::size_t i = 0; i < half; ++i) {
      const bool both = i + half < facts.size();
      table.add_row({facts[i].first, facts[i].second, both ? "  " + facts[i + half].first : "",
                     both ? facts[i + half].second : ""});
    }
    std::cout << '\n' << table.text(terminal);
  }
}

void show_locks(const MergedPoint& point, const Terminal& terminal) {
  LockStatTable table(terminal);
  const std::string text = table.text(lock_stats(point));
  if (!text.empty()) std::cout << '\n' << text << table.legend();
}

/// "munmap on 16 CPUs of kunpeng920-128, kernel 5.10, seed 1".
std::string headline_of(const Configuration& configuration) {
  const auto text = [&](const char* before, const char* path, const char* after) {
    const Entry* entry = configuration.find(path);
    return entry ? before + table_text(entry->value) + after : std::string();
  };
  return text("", "scenario.name", "") + text(" on ", "run.cpus", " CPUs") +
         text(" of ", "machine.base", "") + text(", kernel ", "kernel.base", "") +
         text(", seed ", "run.seed", "");
}

void show(const PointResult& result, const Configuration& configuration) {
  const Terminal terminal = terminal_of(1);
  const MergedPoint point = merge(std::span(&result, 1));
  std::cout << terminal.bold(headline_of(configuration)) << "\n\n";
  show_latencies(point, terminal);
  if (const std::string trees = time_trees(point, terminal); !trees.empty()) std::cout << '\n' << trees;
  show_counters(point, terminal);
  show_locks(point, terminal);
  std::cout << '\n'
            << readable_nanoseconds(nanoseconds(result.simulated)) << " simulated in "
            << readable_seconds(result.host_seconds) << ", " << readable_count(result.events) << " events";
  if (result.host_seconds > 0)
    std::cout << " (" << readable_rate(double(result.events) / result.host_seconds) << " a second)";
  std::cout << '\n';
  for (const std::string& label : what_ifs(configuration))
    std::cout << label << ' ' << what_if_mark << '\n' << what_if_legend << '\n';
}

} // namespace

int run_command(const RunOptions& options) {
  const SweepPlan plan{
      load_configuration(options.configuration, options.overrides), {}, 1, BaseFiles(options.configuration)};
  const Configuration configuration = with_defaults(plan.written);
  check_point(configuration);
  const std::string hash = sweep_hash(plan);
  if (!options.out.empty()) check_result_directory(options.out, hash);
  if (!options.proc.empty()) ProcDirectory::check(options.proc);

  if (options.trace.empty() && options.trace_window)
    throw InputError("--trace-window needs --trace FILE, which says where to");
  std::optional<TraceFile> trace;
  if (!options.trace.empty()) trace.emplace(options.trace, options.trace_window);

  std::optional<MadeDirectory> made; // before the work: afterwards would be too late to say that it cannot be
  if (!options.out.empty()) made.emplace(options.out);

  std::optional<ProcDirectory> proc;
  if (!options.proc.empty()) proc.emplace(options.proc);

  const auto started = std::chrono::steady_clock::now();
  PointResult result;
  ProcRecord record;
  try {
    result = run_point_watched(
        plan.written, {.proc = proc ? &record : nullptr, .trace = trace ? &trace->trace() : nullptr});
  } catch (...) {
    if (made) made->undo();
    if (proc) proc->undo();
    throw;
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
  if (result.host_seconds == 0) result.host_seconds = took.count();

  if (result.status == PointStatus::done) show(result, configuration);
  const ResultTables tables{{}, {{0, {}, {std::move(result)}}}};
  if (!options.out.empty()) {
    std::vector<ResultFile> files = table_files(tables);
    files.push_back({"manifest.json", manifest_json(plan, tables, {options.command, hash})});
    write_files(options.out, files);
    spdlog::info("tables and manifest.json in {}", options.out.native());
  }
  if (proc && record.end.empty()) {
    proc->undo();
    spdlog::error("--proc: nothing was written to {}, since the run did not come to its end",
                  options.proc.native());
  } else if (proc) {
    proc->write(record);
    spdlog::info("the files of /proc in {}, those of the window in {}", options.proc.native(),
                 (options.proc / "window").native());
  }
  if (trace) trace->write(); // of a violation too
  return report_verdict(tables);
}

} // namespace mmsim
