#include "cli/findings.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <set>
#include <stdexcept>
#include <system_error>

#include <nlohmann/json.hpp>

#include "cli/csv_reader.hpp"
#include "sim/engine/configuration.hpp"
#include "sim/engine/units.hpp"

namespace mmsim {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

// Rounding leaves half a unit of the third decimal in each account and in the mean.
constexpr double rounding_ns = 0.0005 * 16;

[[noreturn]] void damaged(const fs::path& file, const std::string& reason) {
  throw InputError(reason + "; the manifest is damaged" + run_again, {file.native()});
}

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

Findings read_manifest(const fs::path& file) {
  const std::string text =
      text_of_file(file, "; not a result directory, or its sweep has not finished: the same command goes on");
  if (text.empty()) damaged(file, "is empty");
  Findings findings;
  try {
    const Json json = Json::parse(text);
    for (const Json& axis : json.at("axes"))
      findings.axes.push_back(axis_from(axis));
    findings.what_if = json.at("what_if").get<std::vector<std::string>>();
    findings.seeds = json.at("seeds").get<std::int64_t>();
    for (const Json& each : json.at("points")) {
      Findings::Point& point = findings.points.emplace_back();
      point.point = each.at("point").get<std::uint64_t>();
      if (point.point + 1 != findings.points.size()) damaged(file, "the points are not numbered from 0");
      point.status = each.at("status").get<std::string>();
      point.what_if = each.value("what_if", false);
      for (const Findings::Axis& axis : findings.axes)
        point.values.push_back(text_of(each.at("axes").at(axis.path)));
    }
  } catch (const Json::exception& error) {
    damaged(file, error.what());
  }
  return findings;
}

class TableReader {
 public:
  TableReader(const fs::path& file, const Findings& findings, const std::vector<std::string>& further)
      : first_(1 + findings.axes.size()), table_(file, header(findings, further)) {}

  const std::vector<CsvRow>& rows() const { return table_.rows(); }
  const CsvTable& table() const { return table_; }
  /// The column's number behind the axes.
  std::size_t column(std::size_t further) const { return first_ + further; }

  Findings::Point& point_of(Findings& findings, const CsvRow& row) const {
    const std::uint64_t number = table_.count(row, 0);
    if (number >= findings.points.size())
      table_.refuse(row, "point " + std::to_string(number) + " is not in manifest.json");
    Findings::Point& point = findings.points[number];
    for (std::size_t i = 0; i < findings.axes.size(); ++i)
      if (row.fields[1 + i] != point.values[i])
        table_.refuse(row, findings.axes[i].path + " is " + row.fields[1 + i] + ", in manifest.json " +
                               point.values[i]);
    return point;
  }

 private:
  static std::vector<std::string> header(const Findings& findings, const std::vector<std::string>& further) {
    std::vector<std::string> columns{"point"};
    for (const Findings::Axis& axis : findings.axes)
      columns.push_back(axis.path);
    columns.insert(columns.end(), further.begin(), further.end());
    return columns;
  }

  std::size_t first_;
  CsvTable table_;
};

void read_latencies(const fs::path& file, Findings& findings) {
  const TableReader reader(file, findings,
                           {"operation", "count", "mean_ns", "ci95_ns", "p50_ns", "p90_ns", "p99_ns",
                            "p999_ns", "max_ns", "per_second"});
  const CsvTable& table = reader.table();
  for (const CsvRow& row : reader.rows()) {
    Findings::Point& point = reader.point_of(findings, row);
    Findings::Operation operation;
    operation.name = table.text(row, reader.column(0));
    if (std::ranges::find(point.operations, operation.name, &Findings::Operation::name) !=
        point.operations.end())
      table.refuse(row, operation.name + " appears twice at point " + std::to_string(point.point));
    operation.count = table.count(row, reader.column(1));
    operation.mean_ns = table.number(row, reader.column(2)).value_or(0);
    operation.ci95_ns = table.number(row, reader.column(3));
    operation.p50_ns = table.number(row, reader.column(4)).value_or(0);
    operation.p99_ns = table.number(row, reader.column(6)).value_or(0);
    operation.per_second = table.number(row, reader.column(9)).value_or(0);
    point.operations.push_back(std::move(operation));
  }
  for (const Findings::Point& point : findings.points)
    if (point.status == "done" && point.operations.empty())
      throw InputError("has no row of point " + std::to_string(point.point) +
                           ", which is done; the table is truncated" + run_again,
                       {file.native()});
}

void read_accounts(const fs::path& file, Findings& findings) {
  const TableReader reader(file, findings, {"operation", "account", "mean_ns", "total_ps"});
  const CsvTable& table = reader.table();
  for (const CsvRow& row : reader.rows()) {
    Findings::Point& point = reader.point_of(findings, row);
    const std::string& name = table.text(row, reader.column(0));
    const auto operation = std::ranges::find(point.operations, name, &Findings::Operation::name);
    if (operation == point.operations.end())
      table.refuse(row, name + " at point " + std::to_string(point.point) + " is not in latency.csv");
    operation->accounts.push_back(
        {table.text(row, reader.column(1)), table.number(row, reader.column(2)).value_or(0)});
  }
  for (const Findings::Point& point : findings.points)
    for (const Findings::Operation& operation : point.operations) {
      double sum = 0;
      for (const Findings::AccountTime& account : operation.accounts)
        sum += account.mean_ns;
      if (std::abs(sum - operation.mean_ns) > rounding_ns + 1e-9 * operation.mean_ns)
        throw InputError("the accounts of " + operation.name + " at point " + std::to_string(point.point) +
                             " sum to " + std::to_string(sum) + " ns, its latency is " +
                             std::to_string(operation.mean_ns) + " ns; a table is truncated or edited" +
                             run_again,
                         {file.native()});
    }
}

/// Where the number of each lock counter belongs, in the order in which the table has them.
constexpr std::array<std::pair<std::string_view, double LockStat::*>, 8> lock_numbers{{
    {"lock_acquired.", &LockStat::acquired},
    {"lock_contended.", &LockStat::contended},
    {"lock_wait_ns.", &LockStat::wait_ns},
    {"lock_hold_ns.", &LockStat::hold_ns},
    {"lock_wait_max_ns.", &LockStat::wait_max_ns},
    {"lock_hold_max_ns.", &LockStat::hold_max_ns},
    {"lock_acq_bounces.", &LockStat::acq_bounces},
    {"lock_con_bounces.", &LockStat::con_bounces},
}};

void read_locks(const fs::path& file, Findings& findings) {
  const TableReader reader(file, findings, {"counter", "value"});
  const CsvTable& table = reader.table();
  std::vector<std::size_t> counters(findings.points.size());
  std::size_t next = 0; // of a class's numbers
  for (const CsvRow& row : reader.rows()) {
    Findings::Point& point = reader.point_of(findings, row);
    ++counters[point.point];
    const std::string& counter = table.text(row, reader.column(0));
    const double value = table.number(row, reader.column(1)).value_or(0);
    if (next == 0 && !counter.starts_with("lock_")) continue;
    const auto& [prefix, number] = lock_numbers[next];
    if (next == 0 && counter.starts_with(prefix))
      point.locks.emplace_back().name = counter.substr(prefix.size());
    if (point.locks.empty() || counter != std::string(prefix) + point.locks.back().name)
      table.refuse(row, counter + " stands where a lock class needs its " + std::string(prefix));
    point.locks.back().*number = value;
    next = (next + 1) % lock_numbers.size();
  }
  if (next != 0)
    throw InputError("ends amid the numbers of a lock class; the table is truncated" + std::string(run_again),
                     {file.native()});
  for (const Findings::Point& point : findings.points)
    if (point.status == "done" && counters[point.point] == 0)
      throw InputError("has no row of point " + std::to_string(point.point) +
                           ", which is done; the table is truncated" + run_again,
                       {file.native()});
}

} // namespace

double Findings::Operation::in_account(std::string_view account) const {
  const auto found = std::ranges::find(accounts, account, &AccountTime::account);
  return found == accounts.end() ? 0 : found->mean_ns;
}

const Findings::Operation* Findings::Point::find(std::string_view operation) const {
  const auto found = std::ranges::find(operations, operation, &Operation::name);
  return found == operations.end() || found->count == 0 ? nullptr : &*found;
}

std::size_t Findings::Axis::place_of(std::string_view value) const {
  return std::size_t(std::ranges::find(values, value) - values.begin());
}

std::vector<std::string> Findings::operations() const {
  std::vector<std::string> names;
  for (const Point& point : points)
    for (const Operation& operation : point.operations)
      if (std::ranges::find(names, operation.name) == names.end()) names.push_back(operation.name);
  return names;
}

std::optional<std::size_t> Findings::main_axis() const {
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    if (axes[i].numbers.empty() || axes[i].values.size() < 2) continue;
    if (axes[i].path == "run.cpus") return i;
    if (!best || axes[i].values.size() > axes[*best].values.size()) best = i;
  }
  return best;
}

bool Findings::marks(const Point& point, std::size_t axis) const {
  return point.what_if &&
         std::ranges::find(what_if, axes[axis].path + '=' + point.values[axis]) != what_if.end();
}

Findings read_findings(const fs::path& directory) {
  std::error_code error;
  if (!fs::exists(directory, error))
    throw InputError("no such directory; give the one that mmsim run --out or mmsim sweep wrote",
                     {directory.native()});
  if (!fs::is_directory(directory, error))
    throw InputError("is not a directory; give the one that holds manifest.json", {directory.native()});
  Findings findings = read_manifest(directory / "manifest.json");
  read_latencies(directory / "latency.csv", findings);
  read_accounts(directory / "account.csv", findings);
  read_locks(directory / "counter.csv", findings);
  return findings;
}

} // namespace mmsim
