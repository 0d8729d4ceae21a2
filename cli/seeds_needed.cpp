#include "cli/seeds_needed.hpp"

#include <algorithm>
#include <vector>

#include <spdlog/fmt/fmt.h>

#include "cli/verdict.hpp"
#include "sim/engine/nearest_name.hpp"

namespace mmsim {
namespace {

std::optional<double> relative_interval(const MergedOperation& operation) {
  const std::optional<double> half_width = operation.ci95();
  if (!half_width || operation.latency.count() == 0) return std::nullopt;
  const double mean = double(operation.latency.sum().count()) / double(operation.latency.count());
  if (mean == 0) return 0.0; // all latencies are 0, and known exactly
  return *half_width / mean;
}

[[noreturn]] void refuse_names(const SeedRule& rule, const MergedPoint& point) {
  std::vector<std::string> known;
  std::string listed;
  for (const MergedOperation& operation : point.operations) {
    known.push_back(operation.name);
    listed += (listed.empty() ? "" : " ") + operation.name;
  }
  throw InputError("sweep.ci_operations: a point has no operation \"" + rule.operations.front() +
                       "\"; it has: " + listed + did_you_mean(rule.operations.front(), known),
                   rule.operations_origin);
}

/// The operations that count, in the order of the tables.
std::vector<const MergedOperation*> counted(const SeedRule& rule, const MergedPoint& point) {
  std::vector<const MergedOperation*> result;
  for (const MergedOperation& operation : point.operations)
    if (rule.operations.empty() ? operation.latency.count() > 0
                                : std::ranges::find(rule.operations, operation.name) != rule.operations.end())
      result.push_back(&operation);
  if (result.empty() && !rule.operations.empty() && !point.operations.empty()) refuse_names(rule, point);
  return result;
}

bool wider(const ReachedInterval& a, const ReachedInterval& b) {
  if (!a.relative || !b.relative) return !a.relative && b.relative;
  return *a.relative > *b.relative;
}

} // namespace

ReachedInterval reached_interval(const SeedRule& rule, std::span<const PointResult> seeds) {
  std::optional<ReachedInterval> widest;
  const MergedPoint point = merge(seeds);
  for (const MergedOperation* operation : counted(rule, point)) {
    ReachedInterval interval{operation->name, relative_interval(*operation)};
    if (!widest || wider(interval, *widest)) widest = std::move(interval);
  }
  return widest.value_or(ReachedInterval{});
}

bool needs_another_seed(const SeedRule& rule, std::span<const PointResult> seeds) {
  if (std::ranges::any_of(seeds, [](const PointResult& seed) { return seed.status != PointStatus::done; }))
    return false;
  const bool within = reached_interval(rule, seeds).within(rule.ci); // first: it refuses wrong names
  return !within && std::int64_t(seeds.size()) < rule.max_seeds;
}

std::optional<std::string> unreached_warning(const SweepPlan& plan, const ResultTables& tables) {
  if (!plan.seed_rule) return std::nullopt;
  const SeedRule& rule = *plan.seed_rule;
  std::size_t unreached = 0;
  std::string place;
  ReachedInterval widest;
  for (const ResultTables::Point& point : tables.points) {
    if (std::ranges::any_of(point.seeds,
                            [](const PointResult& seed) { return seed.status != PointStatus::done; }))
      continue; // the verdict tells of it
    ReachedInterval interval = reached_interval(rule, point.seeds);
    if (interval.within(rule.ci)) continue;
    if (unreached++ == 0 || wider(interval, widest)) {
      widest = std::move(interval);
      place = place_of(tables, point);
    }
  }
  if (unreached == 0) return std::nullopt;
  const std::string found = widest.operation.empty() ? "no operation completed"
                            : !widest.relative
                                ? widest.operation + " completed too seldom to tell"
                                : fmt::format("{:.3g} for {}", *widest.relative, widest.operation);
  return fmt::format(
      "{} of {} points did not reach sweep.ci = {} with sweep.max_seeds = {}; the widest is {}: {}",
      unreached, tables.points.size(), rule.ci, rule.max_seeds, place, found);
}

} // namespace mmsim
