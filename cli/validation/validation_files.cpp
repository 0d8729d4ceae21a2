#include "cli/validation/validation_files.hpp"

#include <cmath>
#include <filesystem>
#include <initializer_list>
#include <string_view>

#include <nlohmann/json.hpp>
#include <spdlog/fmt/fmt.h>

#include "cli/sweep_directory.hpp"
#include "cli/sweep_identity.hpp"
#include "cli/validation/publication.hpp"
#include "sim/record/csv_field.hpp"

namespace mmsim::validation {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* identity =
    "validation"; ///< in place of a sweep's hash: any validation may replace another

std::string number(const std::optional<double>& value) {
  return value && std::isfinite(*value) ? fmt::format("{}", *value) : std::string();
}

Json json_of(const std::optional<double>& value) {
  return value && std::isfinite(*value) ? Json(*value) : Json();
}

void add_row(std::string& table, std::initializer_list<std::string_view> fields) {
  bool first = true;
  for (const std::string_view field : fields) {
    if (!first) table += ',';
    table += csv_field(field);
    first = false;
  }
  table += '\n';
}

std::string points_table(const std::vector<CaseResult>& results) {
  std::string table = "case,x,published,simulated,relative_error,role,verdict,topic,unit,compare,step\n";
  for (const CaseResult& result : results) {
    const Case& one = *result.one;
    const std::string unit = one.compare == Compare::crossover ? one.x : one.compared_unit();
    for (const Row& row : result.outcome.rows)
      add_row(table, {one.name, row.x, number(row.published), number(row.simulated), number(row.error),
                      row.predicted ? "predicted" : "calibrated", row.ok ? "ok" : "miss", one.topic, unit,
                      name(one.compare), row.step ? *row.step ? "right" : "wrong" : ""});
  }
  return table;
}

/// Empty where no error counts, and of a point without a value.
std::string worst_error(const CaseResult& result) {
  const Row* worst = worst_row(*result.one, result.outcome);
  return worst ? number(worst->error) : std::string();
}

std::string series_table(const std::vector<CaseResult>& results) {
  std::string table = "case,topic,compare,points,median_error,worst_error,from,to,published_change,"
                      "simulated_change,change_error,change_role,steps,steps_right,verdict\n";
  for (const CaseResult& result : results) {
    const Case& one = *result.one;
    const Outcome& outcome = result.outcome;
    if (one.points.size() < 2) continue;
    const auto told = [&](auto field) { return outcome.change ? field(*outcome.change) : std::string(); };
    add_row(table, {one.name, one.topic, name(one.compare), std::to_string(one.points.size()),
                    number(outcome.median), worst_error(result), one.points.front().label,
                    one.points.back().label, told([](const Change& c) { return number(c.published); }),
                    told([](const Change& c) { return number(c.simulated); }),
                    told([](const Change& c) { return number(c.error); }),
                    told([](const Change& c) { return std::string(c.predicted ? "predicted" : "given"); }),
                    std::to_string(outcome.steps), std::to_string(outcome.steps - outcome.wrong_steps),
                    outcome.ok ? "ok" : "miss"});
  }
  return table;
}

/// Null where no error counts.
Json worst_of(const CaseResult& result) {
  const Row* worst = worst_row(*result.one, result.outcome);
  return worst ? Json{{"x", worst->x}, {"error", json_of(worst->error)}} : Json();
}

Json json_of(const std::optional<Change>& change) {
  if (!change) return {};
  return {{"from", change->from},
          {"to", change->to},
          {"published", change->published},
          {"simulated", json_of(change->simulated)},
          {"error", json_of(change->error)},
          {"predicted", change->predicted}};
}

Json json_of(const CaseResult& result) {
  const Case& one = *result.one;
  const Outcome& outcome = result.outcome;
  const bool trend = one.compare == Compare::trend, course = one.points.size() > 1;
  Json changes = Json::array();
  for (const Freeze& change : one.changes)
    changes.push_back({{"on", change.on}, {"hash", change.hash}, {"why", change.why}});
  return {{"case", one.name},
          {"title", one.title},
          {"topic", one.topic},
          {"source", one.source},
          {"publication", publication_of(one.source)},
          {"rows", one.rows},
          {"machine", one.machine},
          {"unit", one.unit},
          {"x", one.x},
          {"compare", name(one.compare)},
          {"tolerance", trend ? Json() : Json(one.tolerance)},
          {"base", one.base ? Json(to_text(*one.base)) : Json()},
          {"median", json_of(outcome.median)},
          {"p90", json_of(outcome.p90)},
          {"worst", worst_of(result)},
          {"steps", course ? Json(outcome.steps) : Json()},
          {"wrong_steps", course ? Json(outcome.wrong_steps) : Json()},
          {"verdict", outcome.ok ? "ok" : "miss"},
          {"frozen", result.frozen()},
          {"hash", result.hash},
          {"seen_before", one.seen_before},
          {"group", title_of(group_of(one))},
          {"miss", one.miss},
          {"note", one.note},
          {"free", one.free},
          {"changes", std::move(changes)},
          {"warnings", result.warnings},
          {"change", json_of(outcome.change)}};
}

} // namespace

std::vector<ResultFile> validation_files(const std::vector<CaseResult>& results,
                                         const ValidationFacts& facts) {
  Json cases = Json::array();
  for (const CaseResult& result : results)
    cases.push_back(json_of(result));
  const Json manifest{{"version", MMSIM_VERSION},
                      {"command", facts.command},
                      {"hash", identity},
                      {"kind", "validation"},
                      {"host_seconds", facts.totals.host_seconds},
                      {"events", facts.totals.events},
                      {"runs", facts.totals.runs},
                      {"build", build_hash()},
                      {"complete", facts.complete}};
  const auto text = [](const Json& json) {
    return json.dump(1, ' ', false, Json::error_handler_t::replace) + '\n';
  };
  return {{"validation.csv", points_table(results)},
          {"series.csv", series_table(results)},
          {"cases.json", text(cases)},
          {"manifest.json", text(manifest)}};
}

void check_validation_directory(const std::filesystem::path& directory) {
  check_result_directory(directory, identity);
  std::error_code error;
  if (std::filesystem::exists(directory / "manifest.json", error)) return;
  for (const char* file : {"validation.csv", "series.csv", "cases.json"})
    if (std::filesystem::exists(directory / file, error))
      throw InputError("exists, but belongs to no result of mmsim; choose another --out",
                       {(directory / file).native()});
}

} // namespace mmsim::validation
