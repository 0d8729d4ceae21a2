#include "cli/host_probe.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <deque>
#include <optional>
#include <span>
#include <utility>

#include "cli/exit_status.hpp"
#include "cli/point_process.hpp"
#include "cli/seeds_needed.hpp"
#include "scenarios/scenario.hpp"

namespace mmsim {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::array<double, 3> parts{1.0 / 64, 1.0 / 16, 1.0 / 4};
/// A run that took this long is not repeated four times as long.
constexpr double long_enough_seconds = 0.15;

struct ProbedPoint {
  Configuration configuration;
  std::vector<ShortRun> shorts = {};
  Clock::time_point started = {};
  bool busy = false;
};

/// What a short run measures does not matter, only how long it takes and whether its input is wrong, also the
/// names of operations in sweep.ci_operations.
int run_in_child(const Configuration& configuration, const PointRunner& run_point,
                 const std::optional<SeedRule>& seed_rule) {
  try {
    const PointResult result = run_point(configuration);
    if (seed_rule && result.status == PointStatus::done) reached_interval(*seed_rule, std::span(&result, 1));
  } catch (const InputError& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return exit_wrong_input;
  }
  return exit_done;
}

} // namespace

Configuration cut_to(const Configuration& configuration, double part) {
  const auto run = read_parameters<RunParameters>(configuration);
  Configuration result = configuration;
  const Origin origin{"probe"};
  const auto cut = [&](double whole) { return std::max<std::int64_t>(std::llround(whole * part), 1); };
  const auto cut_duration = [&](Duration whole) {
    return Value(to_text(std::min(whole, std::max(Duration(cut(double(whole.count()))), Duration(1000)))));
  };
  result.set("run.warmup", cut_duration(run.warmup), origin);
  result.set("run.duration", cut_duration(run.duration), origin);
  if (run.operations > 0) result.set("run.operations", cut(double(run.operations)), origin);
  return result;
}

std::vector<SweepPoint> points_to_probe(const SweepPlan& plan, const std::vector<SweepPoint>& points) {
  std::vector<std::pair<double, std::size_t>> order;
  for (std::size_t i = 0; i < points.size(); ++i)
    order.emplace_back(weight_of(plan.configuration(points[i])), i);
  std::ranges::sort(order);
  std::vector<SweepPoint> chosen;
  std::size_t last = points.size();
  if (order.empty()) return chosen;
  for (const std::size_t place : {std::size_t(0), order.size() / 2, order.size() - 1})
    if (std::exchange(last, order[place].second) != order[place].second)
      chosen.push_back(points[order[place].second]);
  return chosen;
}

HostProbe probe_host(const SweepPlan& plan, const std::vector<SweepPoint>& points, unsigned processes,
                     const PointRunner& run_point, std::chrono::milliseconds budget) {
  const auto end = Clock::now() + budget;
  std::vector<ProbedPoint> probed;
  std::deque<std::size_t> waiting;
  for (const SweepPoint& point : points) {
    waiting.push_front(probed.size()); // the dearest first
    probed.push_back({plan.configuration(point)});
  }

  HostProbe probe;
  PointProcesses children;
  while ((!waiting.empty() || children.busy() > 0) && Clock::now() < end && !probe.interrupted) {
    while (children.busy() < processes && !waiting.empty()) {
      const std::size_t number = waiting.front();
      waiting.pop_front();
      ProbedPoint& point = probed[number];
      const Configuration cut = cut_to(point.configuration, parts[point.shorts.size()]);
      point.started = Clock::now();
      point.busy = true;
      children.start(number, [&] { return run_in_child(cut, run_point, plan.seed_rule); });
    }
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
    for (const auto& finished : children.wait(std::max(left, std::chrono::milliseconds(1)))) {
      ProbedPoint& point = probed[finished.job];
      point.busy = false;
      if (finished.killed.empty() && finished.exit_status == exit_wrong_input) {
        probe.wrong_input = finished.output;
        return probe; // which stops the others
      }
      if (!finished.killed.empty() || finished.exit_status != exit_done) {
        if (probe.failure.empty())
          probe.failure = finished.killed.empty() ? finished.output.substr(0, finished.output.find('\n'))
                                                  : "killed by " + finished.killed;
        continue;
      }
      point.shorts.push_back({parts[point.shorts.size()], finished.host_seconds});
      if (finished.host_seconds < long_enough_seconds && point.shorts.size() < parts.size())
        waiting.push_back(finished.job);
    }
    probe.interrupted = children.interrupted();
  }
  children.stop();

  for (ProbedPoint& point : probed) {
    if (point.busy && point.shorts.empty()) { // it has not even come to the end of the shortest
      const std::chrono::duration<double> took = Clock::now() - point.started;
      point.shorts.push_back({parts.front(), took.count()});
      probe.at_least = true;
    }
    if (!point.shorts.empty())
      probe.timed.push_back({weight_of(point.configuration), extrapolated_seconds(point.shorts)});
  }
  return probe;
}

} // namespace mmsim
