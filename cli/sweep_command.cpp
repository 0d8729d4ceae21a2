#include <algorithm>
#include <filesystem>
#include <iostream>
#include <system_error>
#include <thread>

#include <spdlog/spdlog.h>

#include "cli/commands.hpp"
#include "cli/dry_run.hpp"
#include "cli/exit_status.hpp"
#include "cli/findings.hpp"
#include "cli/manifest.hpp"
#include "cli/overview.hpp"
#include "cli/point_check.hpp"
#include "cli/readable.hpp"
#include "cli/seeds_needed.hpp"
#include "cli/sweep.hpp"
#include "cli/sweep_identity.hpp"
#include "cli/verdict.hpp"
#include "scenarios/run_point.hpp"
#include "sim/engine/parameter.hpp"

namespace mmsim {
namespace {

namespace fs = std::filesystem;

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
  for (const std::string& note : plan.notes)
    spdlog::info("{}", note);
  for (const SweepPoint& point : plan.points())
    check_point(plan.configuration(point));
  const fs::path out = options.out.empty() ? fs::path("results") / options.sweep.stem() : options.out;
  const std::string hash = sweep_hash(plan);
  check_result_directory(out, hash);
  const unsigned processes =
      options.processes ? options.processes : std::max(1u, std::thread::hardware_concurrency());
  if (options.dry_run) {
    show_plan(plan, out);
    return options.estimate ? show_host_time(plan, out, processes, run_point) : int(exit_done);
  }

  SweepDirectory directory(out, hash, build_hash());
  if (directory.outdated())
    spdlog::info("{}: {} runs were made by another build of mmsim and run again", out.native(),
                 directory.outdated());
  SweepOutcome outcome;
  try {
    outcome = run_sweep(plan, directory, processes, run_point);
  } catch (const InputError&) {
    directory.undo();
    throw;
  }
  if (outcome.interrupted) {
    spdlog::warn(
        "interrupted; {} of {}{} runs are finished and kept in {}: the same command goes on from there",
        outcome.done, plan.seed_rule ? "at least " : "", outcome.total, out.native());
    return exit_interrupted;
  }
  write_results(out, outcome.tables, manifest_json(plan, outcome.tables, {options.command, hash}));

  const int status = report_verdict(outcome.tables);
  if (const auto warning = unreached_warning(plan, outcome.tables)) spdlog::warn("{}", *warning);
  const Findings findings = read_findings(out);
  if (!findings.operations().empty()) std::cout << overview(findings, terminal_of(1));
  spdlog::info("{} runs{} in {}; next: mmsim explain {} | mmsim report {}", outcome.total,
               outcome.kept ? " (" + std::to_string(outcome.kept) + " were finished before)" : std::string(),
               out.native(), out.native(), out.native());
  return status;
}

} // namespace mmsim
