#include "cli/verdict.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include <spdlog/spdlog.h>

#include "cli/exit_status.hpp"
#include "cli/manifest.hpp"

namespace mmsim {
namespace {

constexpr std::size_t most_shown = 10;

/// A line for each point and message, with the seeds that it holds for.
std::vector<std::string> lines_of(const ResultTables& tables, PointStatus status) {
  std::vector<std::string> lines;
  for (const ResultTables::Point& point : tables.points) {
    std::map<std::string, std::string> seeds_of;
    for (const PointResult& seed : point.seeds)
      if (seed.status == status) {
        std::string& seeds = seeds_of[seed.message];
        seeds += (seeds.empty() ? " seed " : ", ") + std::to_string(seed.seed);
      }
    for (const auto& [message, seeds] : seeds_of)
      lines.push_back(place_of(tables, point) + seeds + ": " + message);
  }
  return lines;
}

std::size_t runs_with(const ResultTables& tables, PointStatus status) {
  std::size_t runs = 0;
  for (const ResultTables::Point& point : tables.points)
    runs += std::size_t(std::ranges::count(point.seeds, status, &PointResult::status));
  return runs;
}

void show(const std::vector<std::string>& lines, const std::string& headline) {
  if (lines.empty()) return;
  spdlog::error("{}", headline);
  for (std::size_t i = 0; i < std::min(lines.size(), most_shown); ++i)
    spdlog::error("{}", lines[i]);
  if (lines.size() > most_shown) spdlog::error("and {} more: see manifest.json", lines.size() - most_shown);
}

} // namespace

std::string place_of(const ResultTables& tables, const ResultTables::Point& point) {
  std::string result = "point " + std::to_string(point.point);
  for (std::size_t i = 0; i < tables.axes.size(); ++i)
    result += (i ? " " : " (") + tables.axes[i] + '=' + point.axis_values[i];
  return tables.axes.empty() ? result : result + ')';
}

int report_verdict(const ResultTables& tables) {
  std::size_t runs = 0;
  for (const ResultTables::Point& point : tables.points)
    runs += point.seeds.size();
  for (const auto& [warning, count] : distinct_warnings(tables))
    spdlog::warn("{}{}", warning,
                 runs > 1 ? " (in " + std::to_string(count) + " of " + std::to_string(runs) + " runs)" : "");
  const auto violations = lines_of(tables, PointStatus::violation);
  const auto faults = lines_of(tables, PointStatus::failed);
  const auto headline = [&](std::size_t count, const char* what) {
    return std::to_string(count) + " of " + std::to_string(runs) + " runs " + what;
  };
  show(violations, headline(runs_with(tables, PointStatus::violation), "found a violation:"));
  show(faults, headline(runs_with(tables, PointStatus::failed), "failed; the same command runs them again:"));
  return !faults.empty() ? exit_fault : !violations.empty() ? exit_violation : exit_done;
}

} // namespace mmsim
