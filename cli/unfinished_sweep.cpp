#include "cli/unfinished_sweep.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "cli/csv_reader.hpp"
#include "cli/merged_findings.hpp"
#include "cli/readable.hpp"
#include "sim/record/results.hpp"

namespace mmsim {
namespace {

namespace fs = std::filesystem;

/// The point in "<point>-<seed>.json"; nothing for other files.
std::optional<std::uint64_t> point_of(const fs::path& file) {
  const std::string name = file.filename().native();
  std::uint64_t point = 0;
  const auto end = std::from_chars(name.data(), name.data() + name.size(), point);
  if (end.ec != std::errc() || file.extension() != ".json" || *end.ptr != '-') return std::nullopt;
  return point;
}

} // namespace

std::optional<Findings> findings_of_unfinished_sweep(const fs::path& directory) {
  Findings findings;
  std::map<std::uint64_t, std::vector<PointResult>> runs; // by point
  std::size_t count = 0;
  Defects damaged;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory / "points", error)) {
    const auto point = point_of(entry.path());
    const auto text = point ? text_of_file(entry.path(), damaged) : std::nullopt;
    if (!text) continue;
    try {
      PointResult run = point_result_from_json(*text);
      if (entry.path().stem() != std::to_string(*point) + '-' + std::to_string(run.seed))
        throw std::invalid_argument("of another seed");
      runs[*point].push_back(std::move(run));
    } catch (const std::invalid_argument&) {
      damaged.add(entry.path(), 0, "damaged"); // the sweep runs it again
    }
  }
  Findings::Axis axis{number_of_point, {}, {}};
  for (const auto& [number, seeds] : runs)
    try {
      Findings::Point point = finding_of(merge(seeds));
      point.point = number;
      point.values = {std::to_string(number)};
      PointStatus worst = PointStatus::done;
      for (const PointResult& seed : seeds)
        worst = std::max(worst, seed.status);
      point.status = name(worst);
      axis.values.push_back(point.values.front());
      findings.points.push_back(std::move(point));
      count += seeds.size();
    } catch (const std::invalid_argument&) {
      damaged.add(directory / "points" / std::to_string(number), 0, "its runs do not agree");
    }
  if (count == 0) return std::nullopt;
  const std::size_t bad = damaged.lines().size();
  findings.defects.add(
      directory, 0,
      "the sweep has not finished; " + plural(count, "finished run") + " of " +
          plural(findings.points.size(), "point") + (count == 1 ? " is shown" : " are shown") +
          (bad == 0 ? "" : ", " + plural(bad, "damaged one") + (bad == 1 ? " is not" : " are not")) +
          "; which axis values a point has and whether it is a what-if is not known before the end",
      "; the same mmsim sweep command goes on from there");
  findings.axes.push_back(std::move(axis));
  return findings;
}

} // namespace mmsim
