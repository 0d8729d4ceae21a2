#include "cli/host/host_validation_files.hpp"

#include "cli/host/kernel_calibration.hpp"
#include "cli/sweep_identity.hpp"
#include "cli/validation/comparison.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>

#include <nlohmann/json.hpp>
#include <spdlog/fmt/fmt.h>

namespace mmsim::host {
namespace {

using Json = nlohmann::ordered_json;

std::string_view word_of(const HostRow& row) {
  switch (row.verdict()) {
  case HostVerdict::ok:
    return "ok";
  case HostVerdict::miss:
    return row.calibrated ? "uncounted" : "miss";
  case HostVerdict::uncounted:
  case HostVerdict::unmeasured:
    break;
  }
  return "uncounted";
}

/// The rows of a case: neighbours in the table.
std::vector<std::vector<HostRow>> cases_of(const std::vector<HostRow>& rows) {
  std::vector<std::vector<HostRow>> cases;
  for (const HostRow& row : rows) {
    const auto same = std::ranges::find_if(cases, [&](const std::vector<HostRow>& one) {
      return case_of(one.front().operation) == case_of(row.operation);
    });
    if (same != cases.end())
      same->push_back(row);
    else
      cases.push_back({row});
  }
  return cases;
}

Json or_null(const std::optional<double>& value) { return value ? Json(*value) : Json(); }

/// A case holds if each of its counted rows does; of one without any nothing is known.
std::string_view verdict_of(const std::vector<HostRow>& rows) {
  if (std::ranges::none_of(rows, &HostRow::counts)) return "uncounted";
  const auto missed = [](const HostRow& row) { return row.counts() && row.verdict() == HostVerdict::miss; };
  return std::ranges::any_of(rows, missed) ? "miss" : "ok";
}

std::string note_of(const std::vector<HostRow>& rows) {
  std::string note;
  for (const HostRow& row : rows) {
    if (!note.empty()) note += "; ";
    note += fmt::format("{} pages: {}", row.operation.workload.pages, row.measured.how);
    if (row.error())
      note += fmt::format(", known to +-{:.0f} %, spread between rounds {:.0f} %", 100 * row.uncertainty(),
                          100 * row.measured.spread);
    if (row.verdict() == HostVerdict::uncounted) note += ", too uncertain to count";
  }
  return note;
}

Json json_of(const std::vector<HostRow>& rows, const HostMachine& machine) {
  const HostRow& first = rows.front();
  std::vector<double> errors;
  Json free = Json::array();
  for (const HostRow& row : rows)
    if (row.counts()) errors.push_back(std::abs(*row.error()));
  for (const Calibration& calibration : kernel_calibrations())
    if (case_of(calibration.from) == case_of(first.operation) && calibration.from.workload.empty_areas == 0)
      free.push_back("machine." + std::string(calibration.path));
  return {
      {"case", case_of(first.operation)},
      {"title", title_of(first.operation)},
      {"topic", "host"},
      {"source", "measured by mmsim validate --host"},
      {"rows", Json::array()},
      {"machine", fmt::format("{}, {} CPUs, Linux {}", machine.model, machine.cpus.size(), machine.kernel)},
      {"unit", "ns"},
      {"x", "pages"},
      {"compare", "absolute"},
      {"tolerance", first.bound},
      {"base", nullptr},
      {"median", or_null(validation::median_of(errors))},
      {"p90", or_null(validation::p90_of(errors))},
      {"steps", nullptr},
      {"wrong_steps", nullptr},
      {"verdict", verdict_of(rows)},
      {"frozen", true},
      {"hash", ""},
      {"miss", ""},
      {"note", note_of(rows)},
      {"free", std::move(free)},
      {"changes", Json::array()},
      {"warnings", Json::array()}};
}

std::string points_table(const std::vector<HostRow>& rows) {
  std::string table = "case,x,published,simulated,relative_error,role,verdict,topic,unit,compare\n";
  for (const HostRow& row : rows)
    if (row.error())
      table += fmt::format("{},{},{},{},{},{},{},host,ns,absolute\n", case_of(row.operation),
                           row.operation.workload.pages, row.measured.median, row.simulated_ns, *row.error(),
                           row.calibrated ? "calibrated" : "predicted", word_of(row));
  return table;
}

} // namespace

std::vector<ResultFile> host_validation_files(const std::vector<HostRow>& rows, const HostMachine& machine,
                                              const std::string& command, double host_seconds,
                                              bool complete) {
  Json cases = Json::array();
  for (const std::vector<HostRow>& one : cases_of(rows))
    if (std::ranges::any_of(one, [](const HostRow& row) { return row.error().has_value(); }))
      cases.push_back(json_of(one, machine));
  const Json manifest{{"version", MMSIM_VERSION}, {"command", command},           {"hash", "validation"},
                      {"kind", "validation"},     {"host_seconds", host_seconds}, {"build", build_hash()},
                      {"complete", complete}};
  const auto text = [](const Json& json) {
    return json.dump(1, ' ', false, Json::error_handler_t::replace) + '\n';
  };
  return {
      {"validation.csv", points_table(rows)}, {"cases.json", text(cases)}, {"manifest.json", text(manifest)}};
}

} // namespace mmsim::host
