#include "cli/findings_tables.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <string_view>
#include <tuple>

#include "cli/csv_reader.hpp"
#include "sim/record/account.hpp"

namespace mmsim {
namespace {

namespace fs = std::filesystem;

// Rounding leaves half a unit of the third decimal in each account and in the mean.
constexpr double rounding_ns = 0.0005 * 16;

std::string at(const Findings::Point& point) { return " at point " + std::to_string(point.point); }

class TableReader {
 public:
  TableReader(const fs::path& directory, const std::string& name, bool points_known, Findings& findings)
      : first_(1 + findings.axes.size()), points_known_(points_known), findings_(findings),
        table_(directory / name, header(name, findings), findings.defects) {}

  const CsvTable& table() const { return table_; }
  /// The column's number behind the axes.
  std::size_t column(std::size_t further) const { return first_ + further; }

  Findings::Point& point_of(const CsvRow& row) const {
    const std::uint64_t number = table_.count(row, 0);
    auto known = findings_.points.begin();
    if (points_known_) // from 0 without a gap
      known += std::ptrdiff_t(std::min(number, std::uint64_t(findings_.points.size())));
    else
      known = std::ranges::find(findings_.points, number, &Findings::Point::point);
    if (known == findings_.points.end()) {
      if (points_known_) table_.refuse("point " + std::to_string(number) + " is not in manifest.json");
      Findings::Point& point = findings_.points.emplace_back();
      point.point = number;
      point.values.assign(row.fields.begin() + 1, row.fields.begin() + std::ptrdiff_t(first_));
      point.status = "unknown";
      return point;
    }
    for (std::size_t i = 0; i < findings_.axes.size(); ++i)
      if (row.fields[1 + i] != known->values[i])
        table_.refuse(findings_.axes[i].path + " is " + row.fields[1 + i] + ", elsewhere " +
                      known->values[i]);
    return *known;
  }

 private:
  static std::vector<std::string> header(const std::string& name, const Findings& findings) {
    std::vector<std::string> columns{"point"};
    for (const Findings::Axis& axis : findings.axes)
      columns.push_back(axis.path);
    const auto table =
        std::ranges::find(table_columns(), name, &std::pair<std::string, std::vector<std::string>>::first);
    columns.insert(columns.end(), table->second.begin(), table->second.end());
    return columns;
  }

  std::size_t first_;
  bool points_known_;
  Findings& findings_;
  CsvTable table_;
};

/// Refuses an operation that completed and whose mean, percentiles or maximum are missing or cannot be.
void check_latencies(const TableReader& reader, const CsvRow& row) {
  constexpr std::size_t mean = 2, p50 = 4, max = 8;
  const CsvTable& table = reader.table();
  const auto value = [&](std::size_t further) {
    const auto number = table.number(row, reader.column(further));
    if (!number) table.refuse(table.column_name(reader.column(further)) + " is empty");
    return *number;
  };
  value(mean);
  for (std::size_t i = p50; i < max; ++i)
    if (value(i) > value(i + 1))
      table.refuse(table.column_name(reader.column(i)) + " is more than " +
                   table.column_name(reader.column(i + 1)) + "; the table is edited");
}

void read_latencies(const TableReader& reader, Findings& findings) {
  const CsvTable& table = reader.table();
  table.each_row([&](const CsvRow& row) {
    Findings::Operation operation;
    operation.name = table.text(row, reader.column(0));
    operation.count = table.count(row, reader.column(1));
    operation.mean_ns = table.number(row, reader.column(2)).value_or(0);
    operation.ci95_ns = table.number(row, reader.column(3));
    operation.p99_ns = table.number(row, reader.column(6));
    if (operation.count > 0) check_latencies(reader, row);
    Findings::Point& point = reader.point_of(row);
    if (point.row_of(operation.name)) table.refuse(operation.name + " appears twice" + at(point));
    point.operations.push_back(std::move(operation));
  });
  if (findings.defects.in(table.file())) return;
  for (const Findings::Point& point : findings.points)
    if (point.status == "done" && point.operations.empty())
      findings.defects.add(table.file(), 0,
                           "has no row of point " + std::to_string(point.point) +
                               ", which is done; the table is truncated");
}

/// Of the operations without a row in latency.csv their accounts say the mean, and how many there were.
void take_means_of_accounts(Findings& findings) {
  for (Findings::Point& point : findings.points)
    for (Findings::Operation& operation : point.operations) {
      if (operation.count > 0 || operation.accounts.empty()) continue;
      const auto largest = std::ranges::max_element(operation.accounts, {}, &Findings::AccountTime::mean_ns);
      if (largest->mean_ns <= 0) continue;
      operation.count = std::uint64_t(std::llround(double(largest->total_ps) / 1000 / largest->mean_ns));
      for (const Findings::AccountTime& account : operation.accounts)
        operation.mean_ns += account.mean_ns;
    }
}

void read_accounts(const TableReader& reader, const fs::path& latencies, Findings& findings) {
  const CsvTable& table = reader.table();
  table.each_row([&](const CsvRow& row) {
    const std::string& name = table.text(row, reader.column(0));
    Findings::AccountTime account{table.text(row, reader.column(1)),
                                  table.number(row, reader.column(2)).value_or(0),
                                  {},
                                  table.count(row, reader.column(3))};
    Findings::Point& point = reader.point_of(row);
    Findings::Operation* operation = point.row_of(name);
    if (!operation) {
      if (!findings.defects.in(latencies))
        findings.defects.add(
            latencies, 0, "has no row of " + name + at(point) + ", account.csv has; the table is truncated");
      operation = &point.operations.emplace_back();
      operation->name = name;
    }
    if (operation->find(account.account))
      table.refuse(account.account + " of " + name + " appears twice" + at(point));
    if (operation->count > 0 && std::abs(double(account.total_ps) / 1000 / double(operation->count) -
                                         account.mean_ns) > 0.0006 + 1e-9 * account.mean_ns)
      table.refuse(account.account + " of " + name + at(point) + " is no mean of total_ps over " +
                   std::to_string(operation->count) + " operations; a table is edited");
    operation->accounts.push_back(std::move(account));
  });
  for (Findings::Point& point : findings.points)
    for (Findings::Operation& operation : point.operations) {
      double sum = 0;
      for (const Findings::AccountTime& account : operation.accounts)
        sum += account.mean_ns;
      if (operation.count == 0 || std::abs(sum - operation.mean_ns) <= rounding_ns + 1e-9 * operation.mean_ns)
        continue;
      operation.accounts.clear();
      if (findings.defects.in(table.file())) continue; // which may be why
      findings.defects.add(table.file(), 0,
                           "the accounts of " + operation.name + at(point) + " sum to " +
                               std::to_string(sum) + " ns, its latency is " +
                               std::to_string(operation.mean_ns) + " ns; a table is truncated or edited");
    }
  if (!findings.defects.in(table.file())) return take_means_of_accounts(findings);
  for (Findings::Point& point : findings.points) // whether those accounts are whole, nothing tells
    std::erase_if(point.operations, [](const auto& operation) {
      return operation.count == 0 && operation.mean_ns == 0 && !operation.accounts.empty();
    });
}

/// In ps, by point, operation and account.
using SumsOfWaits = std::map<std::tuple<std::uint64_t, std::string, std::string>, std::uint64_t>;

void read_waits(const TableReader& reader, const fs::path& accounts, Findings& findings) {
  const CsvTable& table = reader.table();
  const bool accounts_whole = !findings.defects.in(accounts);
  SumsOfWaits sums;
  table.each_row([&](const CsvRow& row) {
    const std::string &name = table.text(row, reader.column(0)), &account = table.text(row, reader.column(1)),
                      &kind_name = table.text(row, reader.column(2));
    const auto kind = wait_kind_named(kind_name);
    if (!kind) table.refuse('"' + kind_name.substr(0, 40) + "\" is no kind of waiting (mmsim list waits)");
    Findings::Wait wait{*kind, table.text(row, reader.column(3)),
                        table.number(row, reader.column(4)).value_or(0)};
    const std::uint64_t total = table.count(row, reader.column(5));
    if (const auto known = account_named(account); !known || !is_waiting(*known))
      table.refuse('"' + account.substr(0, 40) + "\" is no account that waits (mmsim list waits)");
    Findings::Point& point = reader.point_of(row);
    Findings::Operation* operation = point.row_of(name);
    Findings::AccountTime* of = operation ? operation->find(account) : nullptr;
    if (!of && accounts_whole) table.refuse("account.csv has no " + account + " of " + name + at(point));
    if (!of) return;
    of->waits.push_back(std::move(wait));
    sums[{point.point, name, account}] += total;
  });
  const bool damaged_before = findings.defects.in(table.file());
  for (Findings::Point& point : findings.points)
    for (Findings::Operation& operation : point.operations)
      for (Findings::AccountTime& account : operation.accounts) {
        const auto known = account_named(account.account);
        if (!known || !is_waiting(*known)) continue;
        const auto sum = sums.find({point.point, operation.name, account.account});
        const std::uint64_t waited = sum == sums.end() ? 0 : sum->second;
        double mean = 0;
        for (const Findings::Wait& wait : account.waits)
          mean += wait.mean_ns;
        const double rounding = 0.0005 * double(account.waits.size() + 1) + 1e-9 * account.mean_ns;
        const bool total_wrong = waited != account.total_ps;
        if (!total_wrong && std::abs(mean - account.mean_ns) <= rounding) continue;
        account.waits.clear();
        if (damaged_before) continue; // which may be why
        findings.defects.add(table.file(), 0,
                             "the waits in " + account.account + " of " + operation.name + at(point) +
                                 " sum to " +
                                 (total_wrong ? std::to_string(waited) + " ps, account.csv has " +
                                                    std::to_string(account.total_ps) + " ps"
                                              : std::to_string(mean) + " ns, account.csv has " +
                                                    std::to_string(account.mean_ns) + " ns") +
                                 "; a table is truncated or edited");
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

void read_locks(const TableReader& reader, Findings& findings) {
  const CsvTable& table = reader.table();
  std::map<std::uint64_t, std::size_t> counters; // of each point
  std::size_t of = 0;                            // the place of the point whose class it is
  std::size_t next = 0;                          // of the class's numbers
  const auto locks = [&]() -> std::vector<LockStat>& { return findings.points[of].locks; };
  const auto missing = [&] { return std::string(lock_numbers[next].first) + locks().back().name; };
  table.each_row([&](const CsvRow& row) {
    const std::string& counter = table.text(row, reader.column(0));
    const double value = table.number(row, reader.column(1)).value_or(0);
    Findings::Point& point = reader.point_of(row);
    ++counters[point.point];
    const std::size_t place = std::size_t(&point - findings.points.data());
    if (next != 0 && (of != place || counter != missing())) {
      findings.defects.add(table.file(), row.line, counter + " stands where " + missing() + " is missing");
      locks().pop_back(); // half a class would be taken for all of it
      next = 0;
    }
    if (!counter.starts_with("lock_")) return;
    const auto& [prefix, number] = lock_numbers[next];
    if (next == 0) {
      if (!counter.starts_with(prefix))
        table.refuse(counter + " stands where a lock class needs its " + std::string(prefix));
      of = place;
      locks().emplace_back().name = counter.substr(prefix.size());
    }
    locks().back().*number = value;
    next = (next + 1) % lock_numbers.size();
  });
  if (next != 0) {
    locks().pop_back();
    if (!findings.defects.in(table.file()))
      findings.defects.add(table.file(), 0, "ends amid the numbers of a lock class; the table is truncated");
  }
  if (findings.defects.in(table.file())) return;
  for (const Findings::Point& point : findings.points)
    if (point.status == "done" && counters[point.point] == 0)
      findings.defects.add(table.file(), 0,
                           "has no row of point " + std::to_string(point.point) +
                               ", which is done; the table is truncated");
}

} // namespace

const std::vector<std::pair<std::string, std::vector<std::string>>>& table_columns() {
  static const std::vector<std::pair<std::string, std::vector<std::string>>> columns{
      {"latency.csv",
       {"operation", "count", "mean_ns", "ci95_ns", "p50_ns", "p90_ns", "p99_ns", "p999_ns", "max_ns",
        "per_second"}},
      {"account.csv", {"operation", "account", "mean_ns", "total_ps"}},
      {"wait.csv", {"operation", "account", "kind", "whom", "mean_ns", "total_ps"}},
      {"counter.csv", {"counter", "value"}}};
  return columns;
}

void read_tables(const fs::path& directory, bool points_known, Findings& findings) {
  const auto reader = [&](const char* name) { return TableReader(directory, name, points_known, findings); };
  read_latencies(reader("latency.csv"), findings);
  read_accounts(reader("account.csv"), directory / "latency.csv", findings);
  if (!findings.without_waits) read_waits(reader("wait.csv"), directory / "account.csv", findings);
  read_locks(reader("counter.csv"), findings);
}

} // namespace mmsim
