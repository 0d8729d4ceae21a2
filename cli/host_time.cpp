#include "cli/host_time.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <queue>

#include <spdlog/fmt/fmt.h>

#include "cli/readable.hpp"

namespace mmsim {
namespace {

/// Two digits or so: more would promise too much.
std::string about(double seconds) {
  if (seconds < 1.5) return "a second";
  return seconds < 100 ? fmt::format("{:.0f} s", seconds) : readable_seconds(10 * std::round(seconds / 10));
}

} // namespace

double expected_seconds(double weight, std::span<const TimedRun> timed) {
  struct Sum {
    double seconds = 0, runs = 0;
    double mean() const { return seconds / runs; }
  };
  std::map<double, Sum> by_weight;
  for (const TimedRun& run : timed) {
    Sum& sum = by_weight[run.weight];
    sum.seconds += run.seconds;
    sum.runs += 1;
  }
  const auto above = by_weight.lower_bound(weight);
  if (above != by_weight.end() && above->first == weight) return above->second.mean();
  const auto in_proportion = [&](const auto& known) {
    return known.first > 0 ? known.second.mean() * weight / known.first : known.second.mean();
  };
  if (above == by_weight.begin()) return in_proportion(*above);
  const auto below = std::prev(above);
  if (above == by_weight.end()) return in_proportion(*below);
  const double part = (weight - below->first) / (above->first - below->first);
  return below->second.mean() + part * (above->second.mean() - below->second.mean());
}

double seconds_on(unsigned processes, std::vector<double> seconds) {
  std::ranges::sort(seconds, std::ranges::greater{});
  std::priority_queue<double, std::vector<double>, std::greater<>> free_at(
      std::greater<>{}, std::vector<double>(std::max(processes, 1u), 0.0));
  double end = 0;
  for (const double run : seconds) {
    const double ends = free_at.top() + run;
    free_at.pop();
    free_at.push(ends);
    end = std::max(end, ends);
  }
  return end;
}

HostTime host_time(std::span<const PointToRun> points, std::span<const TimedRun> timed, unsigned processes) {
  std::vector<double> least, most;
  for (const PointToRun& point : points) {
    if (point.most == 0) continue;
    const double seconds = point.own_seconds ? *point.own_seconds : expected_seconds(point.weight, timed);
    least.insert(least.end(), point.least, seconds);
    most.insert(most.end(), point.most, seconds);
  }
  return {seconds_on(processes, std::move(least)), seconds_on(processes, std::move(most))};
}

double extrapolated_seconds(std::span<const ShortRun> shorts) {
  const ShortRun& longest = shorts.back();
  if (shorts.size() == 1) return longest.seconds / longest.part;
  const ShortRun& shorter = shorts[shorts.size() - 2];
  const double per_part = std::max(0.0, (longest.seconds - shorter.seconds) / (longest.part - shorter.part));
  return longest.seconds + per_part * (1 - longest.part);
}

std::string readable_host_time(const HostTime& time) {
  if (time.most < 1) return "under a second";
  const std::string least = about(time.least), most = about(time.most);
  return "about " + (least == most ? most : least + " to " + most);
}

} // namespace mmsim
