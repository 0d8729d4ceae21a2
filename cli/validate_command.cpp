#include <algorithm>
#include <iostream>
#include <optional>
#include <system_error>
#include <thread>

#include <spdlog/spdlog.h>

#include "cli/commands.hpp"
#include "cli/exit_status.hpp"
#include "cli/sweep_directory.hpp"
#include "cli/validation/case_file.hpp"
#include "cli/validation/case_result.hpp"
#include "cli/validation/case_runs.hpp"
#include "cli/validation/run_cases.hpp"
#include "cli/validation/validation_files.hpp"
#include "cli/validation/validation_text.hpp"
#include "scenarios/run_point.hpp"

namespace mmsim {
namespace {

namespace fs = std::filesystem;
using namespace validation;

/// Where results go; nowhere for a part of the cases that has not been given a place: it would replace all.
fs::path directory_of(const ValidateOptions& options) {
  if (!options.out.empty() || options.only) return options.out;
  return fs::path("results") / "validation";
}

int show_plan(const std::vector<Case>& cases, const std::vector<CaseRun>& runs) {
  std::vector<std::size_t> of_case(cases.size());
  for (const CaseRun& run : runs)
    for (const Use& use : run.uses)
      ++of_case[use.one];
  std::cout << plan_text(cases, of_case, runs.size(), terminal_of(1));
  return exit_done;
}

std::vector<CaseResult> judged(const std::vector<Case>& cases, const CaseAnswers& answers) {
  std::vector<CaseResult> results;
  for (std::size_t i = 0; i < cases.size(); ++i)
    results.push_back(
        {&cases[i], case_hash(cases[i]), compare(cases[i], answers.of(i)), answers.warnings(i)});
  return results;
}

void show(const std::vector<CaseResult>& results, bool points) {
  const Terminal terminal = terminal_of(1);
  if (points) std::cout << points_text(results, terminal) << '\n';
  std::cout << cases_text(results, terminal) << '\n' << summary_text(summary_of(results), terminal);
}

} // namespace

int validate_command(const ValidateOptions& options) {
  if (options.host) {
    if (options.points)
      throw InputError(
          "--points is not for mmsim validate --host, which shows every point anyway; leave it out");
    if (options.processes)
      throw InputError(
          "-j is not for mmsim validate --host, which measures this machine by one operation after "
          "another; leave it out");
    return validate_host_command(options);
  }
  if (!options.machine_file.empty())
    throw InputError(
        "--machine is for mmsim validate --host; a case file says itself which machine it is of");
  const std::vector<Case> cases = read_cases(reference_folder(), options.only);
  const std::vector<CaseRun> runs = runs_of(cases);
  if (options.dry_run) return show_plan(cases, runs);

  const fs::path out = directory_of(options);
  if (!out.empty()) check_validation_directory(out);
  std::optional<MadeDirectory> made; // before the work: afterwards would be too late to say that it cannot be
  if (!out.empty()) made.emplace(out);

  const unsigned processes =
      options.processes ? options.processes : std::max(1u, std::thread::hardware_concurrency());
  CaseAnswers answers(cases);
  RunTotals totals;
  std::vector<CaseResult> results;
  try {
    totals = run_cases(runs, answers, processes, run_point);
    if (!totals.interrupted) results = judged(cases, answers);
  } catch (...) {
    if (made) made->undo();
    throw;
  }
  if (totals.interrupted) {
    if (made) made->undo();
    spdlog::warn("interrupted after {} of {} runs; nothing was written, and the same command begins anew",
                 totals.done, totals.runs);
    return exit_interrupted;
  }

  show(results, options.points);
  if (out.empty()) {
    spdlog::info("{} runs; nothing was written: with --only, --out DIR says where to", totals.runs);
  } else {
    write_files(out, validation_files(results, {options.command, totals, !options.only}));
    spdlog::info("{} runs; validation.csv, series.csv and cases.json in {}; next: mmsim report {}", totals.runs,
                 out.native(), out.native());
  }
  return std::ranges::all_of(results, &CaseResult::passed) ? exit_done : exit_violation;
}

} // namespace mmsim
