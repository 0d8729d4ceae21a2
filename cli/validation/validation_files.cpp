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
  std::string table = "case,x,published,simulated,relative_error,role,verdict,topic,unit,compare\n";
  for (const CaseResult& result : results) {
    const Case& one = *result.one;
    const std::string unit = one.compare == Compare::crossover ? one.x : one.compared_unit();
    for (const Row& row : result.outcome.rows)
      add_row(table, {one.name, row.x, number(row.published), number(row.simulated), number(row.error),
                      row.predicted ? "predicted" : "calibrated", row.ok ? "ok" : "miss", one.topic, unit,
                      name(one.compare)});
  }
  return table;
}

/// Null where no error counts.
Json worst_of(const CaseResult& result) {
  const Row* worst = worst_row(*result.one, result.outcome);
  return worst ? Json{{"x", worst->x}, {"error", json_of(worst->error)}} : Json();
}

Json json_of(const CaseResult& result) {
  const Case& one = *result.one;
  const Outcome& outcome = result.outcome;
  const bool trend = one.compare == Compare::trend;
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
          {"steps", trend ? Json(outcome.steps) : Json()},
          {"wrong_steps", trend ? Json(outcome.wrong_steps) : Json()},
          {"verdict", outcome.ok ? "ok" : "miss"},
          {"frozen", result.frozen()},
          {"hash", result.hash},
          {"seen_before", one.seen_before},
          {"group", title_of(group_of(one))},
          {"miss", one.miss},
          {"note", one.note},
          {"free", one.free},
          {"changes", std::move(changes)},
          {"warnings", result.warnings}};
}

} // namespace

std::vector<ResultFile> validation_files(const std::vector<CaseResult>& results, const ValidationFacts& facts) {
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
          {"cases.json", text(cases)},
          {"manifest.json", text(manifest)}};
}

void check_validation_directory(const std::filesystem::path& directory) {
  check_result_directory(directory, identity);
  std::error_code error;
  if (std::filesystem::exists(directory / "manifest.json", error)) return;
  for (const char* file : {"validation.csv", "cases.json"})
    if (std::filesystem::exists(directory / file, error))
      throw InputError("exists, but belongs to no result of mmsim; choose another --out",
                       {(directory / file).native()});
}

} // namespace mmsim::validation
