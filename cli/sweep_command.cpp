#include <algorithm>
#include <filesystem>
#include <iostream>
#include <system_error>
#include <thread>

#include <spdlog/spdlog.h>

#include "cli/commands.hpp"
#include "cli/exit_status.hpp"
#include "cli/findings.hpp"
#include "cli/manifest.hpp"
#include "cli/overview.hpp"
#include "cli/point_check.hpp"
#include "cli/readable.hpp"
#include "cli/sweep.hpp"
#include "cli/sweep_identity.hpp"
#include "cli/terminal_table.hpp"
#include "cli/verdict.hpp"
#include "cli/what_if.hpp"
#include "scenarios/run_point.hpp"
#include "sim/engine/parameter.hpp"

namespace mmsim {
namespace {

namespace fs = std::filesystem;

void show_plan(const SweepPlan& plan, const fs::path& out) {
  std::vector<TerminalTable::Column> columns{{"point", TerminalTable::right}};
  for (const Axis& axis : plan.axes)
    columns.push_back({axis.path});
  TerminalTable table(columns);
  bool marked = false;
  for (const SweepPoint& point : plan.points()) {
    const Configuration configuration = plan.configuration(point);
    std::vector<std::string> cells{std::to_string(point.index)};
    for (std::size_t i = 0; i < plan.axes.size(); ++i) {
      cells.push_back(table_text(point.values[i]));
      if (!is_what_if(configuration, plan.axes[i].path, cells.back())) continue;
      cells.back().append(" ").append(what_if_mark);
      marked = true;
    }
    table.add_row(std::move(cells));
  }
  std::cout << table.text(terminal_of(1)) << plan.size() << " points, " << plan.seeds
            << " seeds: " << plan.size() * std::size_t(plan.seeds) << " runs, into " << out.native() << '\n';
  if (marked) std::cout << what_if_legend << '\n';
}

/// Writes what is not there yet: files that are right keep their age, so that figures can be known to be up
/// to date.
void write_results(const fs::path& out, const ResultTables& tables, const std::string& manifest) {
  std::vector<ResultFile> files = table_files(tables);
  files.push_back({"manifest.json", manifest});
  if (!holds(out, files)) write_files(out, files);
}

} // namespace

int sweep_command(const SweepOptions& options) {
  const SweepPlan plan = load_sweep(options.sweep, options.overrides);
  for (const SweepPoint& point : plan.points())
    check_point(plan.configuration(point));
  const fs::path out = options.out.empty() ? fs::path("results") / options.sweep.stem() : options.out;
  const std::string hash = sweep_hash(plan);
  check_result_directory(out, hash);
  if (options.dry_run) {
    show_plan(plan, out);
    return exit_done;
  }

  SweepDirectory directory(out, hash, build_hash());
  if (directory.outdated())
    spdlog::info("{}: {} runs were made by another build of mmsim and run again", out.native(),
                 directory.outdated());
  const unsigned processes =
      options.processes ? options.processes : std::max(1u, std::thread::hardware_concurrency());
  SweepOutcome outcome;
  try {
    outcome = run_sweep(plan, directory, processes, run_point);
  } catch (const InputError&) {
    directory.undo();
    throw;
  }
  if (outcome.interrupted) {
    spdlog::warn(
        "interrupted; {} of {} runs are finished and kept in {}: the same command goes on from there",
        outcome.done, outcome.total, out.native());
    return exit_interrupted;
  }
  write_results(out, outcome.tables, manifest_json(plan, outcome.tables, {options.command, hash}));

  const int status = report_verdict(outcome.tables);
  const Findings findings = read_findings(out);
  if (!findings.operations().empty()) std::cout << overview(findings, terminal_of(1));
  spdlog::info("{} runs{} in {}; next: mmsim explain {} | mmsim report {}", outcome.total,
               outcome.kept ? " (" + std::to_string(outcome.kept) + " were finished before)" : std::string(),
               out.native(), out.native(), out.native());
  return status;
}

} // namespace mmsim
