#include "cli/sweep.hpp"

#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include "cli/exit_status.hpp"
#include "cli/manifest.hpp"
#include "cli/point_process.hpp"
#include "cli/progress.hpp"

namespace mmsim {

using namespace std::chrono_literals;

Configuration configuration_of(const SweepPlan& plan, const SweepRun& run) {
  Configuration configuration = plan.configuration(run.point);
  const Entry* seed = configuration.find("run.seed");
  configuration.set("run.seed", std::int64_t(run.seed), seed ? seed->origin : Origin{"default"});
  return configuration;
}

SweepOutcome run_sweep(const SweepPlan& plan, const SweepDirectory& directory, unsigned processes,
                       const PointRunner& run_point) {
  RunBook book(plan, [&](std::size_t point, std::uint64_t seed) { return directory.finished(point, seed); });
  Progress progress(terminal_of(2), book.total(), book.kept(), book.waiting_weight(), processes,
                    plan.seed_rule.has_value());
  SweepOutcome outcome;
  PointProcesses children;
  std::vector<SweepRun> started;
  while (book.waiting() > 0 || children.busy() > 0) {
    while (children.busy() < processes && book.waiting() > 0) {
      const SweepRun& run = started.emplace_back(book.take());
      const Configuration configuration = configuration_of(plan, run);
      const auto file = directory.file_of(run.point.index, run.seed);
      children.start(started.size() - 1, [&] { return run_in_child(configuration, file, run_point); });
    }
    progress.show();
    for (const PointProcesses::Finished& finished : children.wait(200ms)) {
      const SweepRun& run = started[finished.job];
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
      const std::size_t kept = book.kept();
      if (book.finish(run, std::move(*result)) > 0) progress.added(run.weight);
      for (std::size_t found = kept; found < book.kept();
           ++found) { // seeds of this point from before the stop
        progress.added(0);
        progress.finished(0, 0, true);
      }
    }
    if (children.interrupted()) {
      progress.clear();
      children.stop();
      outcome.interrupted = true;
      break;
    }
  }
  outcome.kept = book.kept();
  outcome.done = book.done();
  outcome.total = book.total();

  for (const Axis& axis : plan.axes)
    outcome.tables.axes.push_back(axis.path);
  for (const SweepPoint& point : plan.points()) {
    ResultTables::Point& row = outcome.tables.points.emplace_back();
    row.point = point.index;
    for (const Value& value : point.values)
      row.axis_values.push_back(table_text(value));
    row.seeds = book.results(point.index);
  }
  return outcome;
}

} // namespace mmsim
