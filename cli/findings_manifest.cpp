#include "cli/findings_manifest.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <stdexcept>
#include <utility>

#include <nlohmann/json.hpp>

#include "cli/csv_reader.hpp"
#include "cli/findings_tables.hpp"
#include "sim/engine/parameter.hpp"
#include "sim/engine/units.hpp"

namespace mmsim {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

std::string text_of(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean()) return to_text(Value(value.get<bool>()));
  if (value.is_number_integer()) return to_text(Value(value.get<std::int64_t>()));
  return to_text(Value(value.get<double>()));
}

/// "80 ns" and the like: in the base unit, so that values of one axis can be compared.
std::optional<double> quantity(const std::string& text) {
  const auto tried = [&](auto parse) -> std::optional<double> {
    try {
      return parse();
    } catch (const std::invalid_argument&) {
      return std::nullopt;
    }
  };
  if (auto value = tried([&] { return double(parse_duration(text, Hertz(1'000'000'000)).count()); }))
    return value;
  if (auto value = tried([&] { return double(parse_bytes(text).value()); })) return value;
  if (auto value = tried([&] { return parse_rate(text).value(); })) return value;
  return tried([&] { return double(parse_frequency(text).value()); });
}

std::optional<double> plain_number(const std::string& text) {
  double value = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end.ec != std::errc() || end.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

Findings::Axis axis_from(const Json& json) {
  Findings::Axis axis{json.at("path").get<std::string>(), {}, {}};
  for (const Json& value : json.at("values")) {
    axis.values.push_back(text_of(value));
    const std::optional<double> number = value.is_number()   ? std::optional(value.get<double>())
                                         : value.is_string() ? quantity(axis.values.back())
                                                             : std::nullopt;
    if (number) axis.numbers.push_back(*number);
  }
  if (axis.numbers.size() != axis.values.size()) axis.numbers.clear();
  return axis;
}

/// Throws Json::exception and std::invalid_argument.
Findings from_manifest(const Json& json) {
  Findings findings;
  for (const Json& axis : json.at("axes"))
    findings.axes.push_back(axis_from(axis));
  findings.what_if = json.at("what_if").get<std::vector<std::string>>();
  for (const Json& each : json.at("points")) {
    Findings::Point& point = findings.points.emplace_back();
    point.point = each.at("point").get<std::uint64_t>();
    point.status = each.at("status").get<std::string>();
    point.what_if = each.value("what_if", false);
    for (const Findings::Axis& axis : findings.axes) {
      point.values.push_back(text_of(each.at("axes").at(axis.path)));
      if (axis.place_of(point.values.back()) == axis.values.size())
        throw std::invalid_argument(axis.path + " = " + point.values.back() + " of point " +
                                    std::to_string(point.point) + " is no value of that axis");
    }
  }
  return findings;
}

/// The columns between `point` and the table's own. None if there is no such table.
std::optional<std::vector<std::string>> axes_in(const fs::path& file,
                                                const std::vector<std::string>& own_columns) {
  auto header = csv_header(file);
  if (!header || header->size() <= own_columns.size() || header->front() != "point" ||
      !std::ranges::equal(
          own_columns,
          std::ranges::subrange(header->end() - std::ptrdiff_t(own_columns.size()), header->end())))
    return std::nullopt;
  return std::vector(header->begin() + 1, header->end() - std::ptrdiff_t(own_columns.size()));
}

void axes_from_headers(const fs::path& directory, Findings& findings) {
  for (const auto& [name, own_columns] : table_columns())
    if (const auto paths = axes_in(directory / name, own_columns)) {
      for (const std::string& path : *paths)
        findings.axes.push_back({path, {}, {}});
      return;
    }
}

using Version = std::array<unsigned, 3>;

/// Nothing if it is not three numbers.
std::optional<Version> version_of(const std::string& text) {
  Version version{};
  const char *at = text.data(), *end = at + text.size();
  for (std::size_t i = 0; i < version.size(); ++i) {
    if (i > 0 && (at == end || *at++ != '.')) return std::nullopt;
    const auto read = std::from_chars(at, end, version[i]);
    if (read.ec != std::errc()) return std::nullopt;
    at = read.ptr;
  }
  return at == end ? std::optional(version) : std::nullopt;
}

/// Results of another version are shown as far as both agree. That an older one lacks what came later is no defect;
/// what a newer one means, nobody here can know.
void say_version(const std::string& text, const fs::path& directory, Findings& findings) {
  if (text == MMSIM_VERSION) return;
  constexpr Version first_with_waits{0, 2, 0};
  std::error_code error;
  const bool waits = fs::exists(directory / "wait.csv", error);
  const auto version = version_of(text);
  if (version && version < version_of(MMSIM_VERSION)) {
    findings.without_waits = !waits && version < first_with_waits;
    findings.notes.push_back(
        directory.native() + ": made by mmsim " + text +
        (findings.without_waits
             ? ", which did not write wait.csv: for whom is not known; run the sweep again into "
               "another directory"
             : ", this is " MMSIM_VERSION));
    return;
  }
  findings.without_waits = !waits;
  findings.defects.add(directory / "manifest.json", 0,
                       "written by mmsim " + text + ", this is " MMSIM_VERSION +
                           (waits ? "" : "; there is no wait.csv, so nobody knows for whom was waited"));
}

} // namespace

bool read_manifest(const fs::path& directory, Findings& findings) {
  const fs::path file = directory / "manifest.json";
  const std::string without = "; the axes are those of the tables, and what is a what-if is not known";
  if (const auto text = text_of_file(file, findings.defects, without + run_again)) {
    try {
      if (text->empty()) throw std::invalid_argument("is empty");
      const Json json = Json::parse(*text);
      const std::string version = json.at("version").get<std::string>();
      Findings read = from_manifest(json);
      for (std::size_t i = 0; i < read.points.size(); ++i)
        if (read.points[i].point != i) throw std::invalid_argument("the points are not numbered from 0");
      read.defects = std::move(findings.defects);
      findings = std::move(read);
      say_version(version, directory, findings);
      return true;
    } catch (const Json::exception& error) {
      findings.defects.add(file, 0, std::string(error.what()) + "; the manifest is damaged",
                           without + run_again);
    } catch (const std::invalid_argument& error) {
      findings.defects.add(file, 0, std::string(error.what()) + "; the manifest is damaged",
                           without + run_again);
    }
  }
  axes_from_headers(directory, findings);
  return false;
}

void complete_axes(Findings& findings) {
  std::ranges::stable_sort(findings.points, {}, &Findings::Point::point);
  for (std::size_t i = 0; i < findings.axes.size(); ++i) {
    Findings::Axis& axis = findings.axes[i];
    for (const Findings::Point& point : findings.points)
      if (std::ranges::find(axis.values, point.values[i]) == axis.values.end())
        axis.values.push_back(point.values[i]);
    for (const std::string& value : axis.values)
      if (const auto number = plain_number(value) ? plain_number(value) : quantity(value))
        axis.numbers.push_back(*number);
    if (axis.numbers.size() != axis.values.size()) axis.numbers.clear();
  }
}

} // namespace mmsim
