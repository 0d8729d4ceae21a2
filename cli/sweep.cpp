#include "cli/sweep.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>
#include <stdexcept>
#include <utility>

#include <spdlog/spdlog.h>

#include "cli/exit_status.hpp"
#include "cli/manifest.hpp"
#include "cli/point_process.hpp"
#include "cli/progress.hpp"
#include "sim/engine/parameter.hpp"
#include "sim/record/atomic_file.hpp"

namespace mmsim {
namespace {

using namespace std::chrono_literals;

std::int64_t whole_number(const Configuration& configuration, std::string_view path, std::int64_t otherwise) {
  const Entry* entry = configuration.find(path);
  const auto* number = entry ? std::get_if<std::int64_t>(&entry->value) : nullptr;
  return number ? *number : otherwise;
}

/// What a child does. Its exit status says how it went; an error's text goes to standard error.
int run_in_child(const Configuration& configuration, const std::filesystem::path& file,
                 const PointRunner& run_point) {
  const auto started = std::chrono::steady_clock::now();
  PointResult result;
  try {
    result = run_point(configuration);
  } catch (const InputError& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return exit_wrong_input;
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
  if (result.host_seconds == 0) result.host_seconds = took.count();
  atomic_write(file, to_json(result));
  return exit_done;
}

/// The message of a run that ended without a result.
std::string reason_of(const PointProcesses::Finished& finished) {
  std::string reason = finished.killed.empty() ? std::string() : "killed by " + finished.killed;
  if (!finished.output.empty()) reason += (reason.empty() ? "" : "; ") + finished.output;
  return reason.empty() ? "ended with status " + std::to_string(finished.exit_status) + " and no result"
                        : reason;
}

} // namespace

Configuration configuration_of(const SweepPlan& plan, const SweepRun& run) {
  Configuration configuration = plan.configuration(run.point);
  const Entry* seed = configuration.find("run.seed");
  configuration.set("run.seed", std::int64_t(run.seed), seed ? seed->origin : Origin{"default"});
  return configuration;
}

std::vector<SweepRun> runs_of(const SweepPlan& plan) {
  std::vector<SweepRun> runs;
  for (const SweepPoint& point : plan.points()) {
    const Configuration configuration = with_defaults(plan.configuration(point));
    const std::int64_t first_seed = whole_number(configuration, "run.seed", 1);
    const double weight = double(whole_number(configuration, "run.cpus", 1));
    for (std::int64_t k = 0; k < plan.seeds; ++k)
      runs.push_back({point, std::uint64_t(first_seed + k), weight});
  }
  std::ranges::stable_sort(runs, std::ranges::greater{}, &SweepRun::weight);
  return runs;
}

SweepOutcome run_sweep(const SweepPlan& plan, const SweepDirectory& directory, unsigned processes,
                       const PointRunner& run_point) {
  const std::vector<SweepRun> runs = runs_of(plan);
  std::map<std::pair<std::size_t, std::uint64_t>, PointResult> results;
  std::vector<SweepRun> to_do;
  double weight = 0;
  for (const SweepRun& run : runs) {
    if (auto result = directory.finished(run.point.index, run.seed)) {
      results.emplace(std::pair(run.point.index, run.seed), std::move(*result));
      continue;
    }
    to_do.push_back(run);
    weight += run.weight;
  }

  SweepOutcome outcome;
  outcome.kept = results.size();
  outcome.total = runs.size();
  Progress progress(terminal_of(2), runs.size(), results.size(), weight, processes);
  PointProcesses children;
  std::size_t next = 0;
  while (next < to_do.size() || children.busy() > 0) {
    while (children.busy() < processes && next < to_do.size()) {
      const SweepRun& run = to_do[next];
      const Configuration configuration = configuration_of(plan, run);
      const auto file = directory.file_of(run.point.index, run.seed);
      children.start(next++, [&] { return run_in_child(configuration, file, run_point); });
    }
    progress.show();
    for (const PointProcesses::Finished& finished : children.wait(200ms)) {
      const SweepRun& run = to_do[finished.job];
      if (finished.killed.empty() && finished.exit_status == exit_wrong_input) {
        progress.clear();
        children.stop();
        throw InputError(finished.output);
      }
      std::optional<PointResult> result;
      if (finished.killed.empty() && finished.exit_status == exit_done)
        result = directory.finished(run.point.index, run.seed);
      if (!result) {
        result.emplace();
        result->seed = run.seed;
        result->status = PointStatus::failed;
        result->host_seconds = finished.host_seconds;
        result->message = reason_of(finished);
      }
      progress.finished(run.weight, finished.host_seconds, result->status == PointStatus::done);
      results.emplace(std::pair(run.point.index, run.seed), std::move(*result));
    }
    if (children.interrupted()) {
      progress.clear();
      children.stop();
      outcome.interrupted = true;
      break;
    }
  }
  for (const auto& [key, result] : results)
    outcome.done += result.status != PointStatus::failed;

  for (const Axis& axis : plan.axes)
    outcome.tables.axes.push_back(axis.path);
  for (const SweepPoint& point : plan.points()) {
    ResultTables::Point& row = outcome.tables.points.emplace_back();
    row.point = point.index;
    for (const Value& value : point.values)
      row.axis_values.push_back(table_text(value));
    for (auto each = results.lower_bound({point.index, 0});
         each != results.end() && each->first.first == point.index; ++each)
      row.seeds.push_back(each->second);
  }
  return outcome;
}

} // namespace mmsim
