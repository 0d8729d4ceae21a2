#include "cli/manifest.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <ranges>
#include <set>
#include <variant>

#include <nlohmann/json.hpp>

#include "cli/seeds_needed.hpp"
#include "cli/what_if.hpp"
#include "sim/engine/parameter.hpp"

namespace mmsim {
namespace {

using Json = nlohmann::ordered_json;

Json json_of(const Value& value) {
  return std::visit([](const auto& each) { return Json(each); }, value);
}

Json json_of(const Entry& entry) {
  return {{"value", json_of(entry.value)}, {"origin", to_text(entry.origin)}};
}

/// What all points agree on.
Configuration shared_by_all(const SweepPlan& plan, const std::vector<SweepPoint>& points) {
  std::map<std::string, Entry, std::less<>> shared;
  for (const SweepPoint& point : points) {
    const Configuration configuration = with_defaults(plan.configuration(point));
    if (point.index == 0) shared = configuration.entries();
    std::erase_if(shared, [&](const auto& each) {
      const Entry* entry = configuration.find(each.first);
      return !entry || entry->value != each.second.value;
    });
  }
  for (const Axis& axis : plan.axes)
    shared.erase(axis.path);
  Configuration result;
  for (const auto& [path, entry] : shared)
    result.set(path, entry.value, entry.origin, entry.layer);
  return result;
}

/// What sets a point apart, beside its axes (an axis may choose a base file).
Json only_of(const Configuration& point, const Configuration& shared, const std::vector<Axis>& axes) {
  Json result = Json::object();
  for (const auto& [path, entry] : point.entries())
    if (!shared.find(path) && std::ranges::find(axes, path, &Axis::path) == axes.end())
      result[path] = json_of(entry);
  return result;
}

/// How many seeds the point took and what interval they reached, on six digits.
void add_seeds(Json& entry, const SeedRule& rule, const std::vector<PointResult>& seeds) {
  const ReachedInterval reached = reached_interval(rule, seeds);
  entry["seeds"] = seeds.size();
  entry["ci95"] = reached.relative ? Json(std::round(*reached.relative * 1e6) / 1e6) : Json();
  if (!reached.operation.empty()) entry["ci95_operation"] = reached.operation;
}

Json json_of(const SeedRule& rule) {
  Json result{{"bound", rule.ci}, {"max_seeds", rule.max_seeds}};
  if (!rule.operations.empty()) result["operations"] = rule.operations;
  return result;
}

Json json_of(const Sampling& sampling) {
  return {{"points", sampling.points}, {"sampling", sampling.method}, {"sample_seed", sampling.seed}};
}

} // namespace

PointStatus worst_status(const ResultTables::Point& point) {
  PointStatus worst = PointStatus::done;
  for (const PointResult& seed : point.seeds)
    worst = std::max(worst, seed.status);
  return worst;
}

std::vector<std::pair<std::string, std::size_t>> distinct_warnings(const ResultTables& tables) {
  std::vector<std::pair<std::string, std::size_t>> result;
  std::map<std::string, std::size_t> places;
  for (const ResultTables::Point& point : tables.points)
    for (const PointResult& seed : point.seeds)
      for (const std::string& warning : std::set(seed.warnings.begin(), seed.warnings.end())) {
        const auto [place, is_new] = places.emplace(warning, result.size());
        if (is_new) result.emplace_back(warning, 0);
        ++result[place->second].second;
      }
  return result;
}

std::string table_text(const Value& value) {
  const auto* text = std::get_if<std::string>(&value);
  return text ? *text : to_text(value);
}

std::string manifest_json(const SweepPlan& plan, const ResultTables& tables, const ManifestFacts& facts) {
  const std::vector<SweepPoint> points = plan.points();
  const Configuration shared = shared_by_all(plan, points);
  Json axes = Json::array();
  for (const Axis& axis : plan.axes) {
    Json values = Json::array();
    for (const Value& value : axis.values)
      values.push_back(json_of(value));
    axes.push_back({{"path", axis.path}, {"values", std::move(values)}});
  }

  double host_seconds = 0;
  std::uint64_t events = 0;
  std::set<std::string> what_if;
  Json point_entries = Json::array();
  for (std::size_t i = 0; i < points.size(); ++i) {
    const Configuration configuration = with_defaults(plan.configuration(points[i]));
    Json coordinates = Json::object();
    for (std::size_t k = 0; k < plan.axes.size(); ++k)
      coordinates[plan.axes[k].path] = json_of(points[i].values[k]);
    Json entry{{"point", points[i].index}, {"axes", std::move(coordinates)}};
    entry["status"] = name(worst_status(tables.points.at(i)));
    if (plan.seed_rule) add_seeds(entry, *plan.seed_rule, tables.points[i].seeds);
    Json messages = Json::array();
    for (const PointResult& seed : tables.points[i].seeds) {
      host_seconds += seed.host_seconds;
      events += seed.events;
      if (!seed.message.empty())
        messages.push_back("seed " + std::to_string(seed.seed) + ": " + seed.message);
    }
    if (!messages.empty()) entry["messages"] = std::move(messages);
    if (const auto labels = what_ifs(configuration); !labels.empty()) {
      entry["what_if"] = true;
      what_if.insert(labels.begin(), labels.end());
    }
    if (Json apart = only_of(configuration, shared, plan.axes); !apart.empty())
      entry["configuration"] = std::move(apart);
    point_entries.push_back(std::move(entry));
  }

  Json configuration = Json::object();
  for (const auto& [path, entry] : shared.entries())
    configuration[path] = json_of(entry);
  std::vector<std::string> warnings;
  for (const auto& [warning, count] : distinct_warnings(tables))
    warnings.push_back(warning);

  Json manifest{{"version", MMSIM_VERSION},
                {"command", facts.command},
                {"hash", facts.hash},
                {"host_seconds", host_seconds},
                {"events", events},
                {"axes", std::move(axes)},
                {"seeds", plan.seeds},
                {"points", std::move(point_entries)},
                {"what_if", what_if},
                {"warnings", warnings},
                {"configuration", std::move(configuration)}};
  if (plan.seed_rule) manifest["ci"] = json_of(*plan.seed_rule);
  if (plan.sampling) manifest["sample"] = json_of(*plan.sampling);
  return manifest.dump(1, ' ', false, Json::error_handler_t::replace) + '\n';
}

} // namespace mmsim
