#include "cli/dry_run.hpp"

#include <iostream>
#include <string>
#include <vector>

#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>

#include "cli/exit_status.hpp"
#include "cli/host_probe.hpp"
#include "cli/manifest.hpp"
#include "cli/readable.hpp"
#include "cli/sweep_identity.hpp"
#include "cli/terminal_table.hpp"
#include "cli/what_if.hpp"

namespace mmsim {
namespace {

namespace fs = std::filesystem;

constexpr auto probe_budget = std::chrono::milliseconds(2800);

/// "1 seed", "2 to 4 seeds".
std::string plural_between(std::size_t least, std::size_t most, const std::string& what) {
  return least == most ? plural(most, what) : fmt::format("{} to {}", least, plural(most, what));
}

std::string runs_to_do(std::size_t least, std::size_t most) {
  return plural_between(least, most, "run") + " to do";
}

/// "8 runs to do: about 40 s with 2 processes (how it is known; within a factor of 2 to 3)"
std::string host_time_line(const HostTime& time, std::size_t least, std::size_t most, unsigned processes,
                           const std::string& basis, bool at_least) {
  return fmt::format("{}: {}{} with {} ({}; within a factor of 2 to 3)", runs_to_do(least, most),
                     at_least ? "more than " : "", readable_host_time(time),
                     processes == 1 ? "1 process" : std::to_string(processes) + " processes", basis);
}

} // namespace

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
  const auto seeds = std::size_t(plan.seeds);
  const std::size_t most_seeds = plan.seed_rule ? std::size_t(plan.seed_rule->max_seeds) : seeds;
  std::cout << table.text(terminal_of(1)) << plural(plan.size(), "point") << ", ";
  if (plan.sampling)
    std::cout << "drawn by " << plan.sampling->method << " with sample_seed " << plan.sampling->seed << ", ";
  std::cout << plural_between(seeds, most_seeds, "seed");
  if (plan.seed_rule) std::cout << " (until ci = " << fmt::format("{}", plan.seed_rule->ci) << ')';
  std::cout << ": " << plural_between(plan.size() * seeds, plan.size() * most_seeds, "run") << ", into "
            << out.native() << '\n';
  if (marked) std::cout << what_if_legend << '\n';
}

int show_host_time(const SweepPlan& plan, const fs::path& out, unsigned processes,
                   const PointRunner& run_point) {
  const bool usable = build_of_runs(out) == build_hash();
  if (!usable && build_of_runs(out))
    std::cout << "the runs in " << out.native()
              << " were made by another build of mmsim and would run again\n";
  const RunBook book(plan, [&](std::size_t point, std::uint64_t seed) {
    return usable ? finished_run(out, point, seed) : std::nullopt;
  });
  std::vector<PointToRun> points;
  std::vector<SweepPoint> unfinished;
  std::vector<TimedRun> timed;
  std::size_t least = 0, most = 0;
  for (const SweepPoint& point : plan.points()) {
    points.push_back(book.to_run(point.index));
    least += points.back().least;
    most += points.back().most;
    if (points.back().most > 0) unfinished.push_back(point);
    for (const PointResult& result : book.results(point.index))
      timed.push_back({points.back().weight, result.host_seconds});
  }
  if (most == 0) {
    std::cout << "all " << book.total() << " runs are finished\n";
    return exit_done;
  }

  std::string basis = fmt::format("from {} finished before", plural(timed.size(), "run"));
  bool at_least = false;
  if (timed.empty()) {
    const std::vector<SweepPoint> probed = points_to_probe(plan, unfinished);
    spdlog::info("timing short runs of {}, for at most 3 s; --no-estimate leaves that out",
                 plural(probed.size(), "point"));
    HostProbe probe = probe_host(plan, probed, processes, run_point, probe_budget);
    if (probe.interrupted) return exit_interrupted;
    if (!probe.wrong_input.empty()) throw InputError(probe.wrong_input);
    if (!probe.failure.empty()) spdlog::warn("a short run ended with: {}", probe.failure);
    if (probe.timed.empty()) {
      std::cout << runs_to_do(least, most) << "; no estimate of the host's time: "
                << (probe.failure.empty() ? "the probe had no time to begin" : "no short run came to its end")
                << '\n';
      return exit_done;
    }
    basis = "probe of " + plural(probe.timed.size(), "point");
    timed = std::move(probe.timed);
    at_least = probe.at_least;
  }
  std::cout << host_time_line(host_time(points, timed, processes), least, most, processes, basis, at_least)
            << '\n';
  return exit_done;
}

} // namespace mmsim
