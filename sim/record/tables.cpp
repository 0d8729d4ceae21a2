#include "sim/record/tables.hpp"

#include <algorithm>
#include <charconv>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string_view>

#include "sim/record/atomic_file.hpp"

namespace mmsim {
namespace {

// Sums of ps times 1000 need more than 64 bits. ISO C++ has no such type, hence the mark.
__extension__ typedef unsigned __int128 Wide;

// numerator / denominator with three decimals, rounded half up.
std::string three_decimals(Wide numerator, Wide denominator) {
  const Wide thousandths = (2000 * numerator + denominator) / (2 * denominator);
  const auto whole = std::uint64_t(thousandths / 1000);
  const std::string decimals = std::to_string(1000 + unsigned(thousandths % 1000)); // keeps leading zeros
  return std::to_string(whole) + "." + decimals.substr(1);
}

std::string mean_count(Wide sum, Wide divisor) {
  return sum % divisor == 0 ? std::to_string(std::uint64_t(sum / divisor)) : three_decimals(sum, divisor);
}

std::string nanoseconds_text(Duration duration) { return three_decimals(Wide(duration.count()), 1000); }

std::string three_decimals(double value) {
  char text[512]; // the longest double has 309 digits before the point
  const auto end = std::to_chars(text, text + sizeof text, value, std::chars_format::fixed, 3).ptr;
  return {text, end};
}

// RFC 4180, section 2, rules 5 to 7.
std::string field(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

class Csv {
 public:
  Csv(const ResultTables& tables, std::string_view further_columns) {
    text_ = "point";
    for (const std::string& axis : tables.axes)
      text_ += ',' + field(axis);
    text_ += ',';
    text_ += further_columns;
    text_ += '\n';
  }

  void row(const ResultTables& tables, const ResultTables::Point& point,
           std::initializer_list<std::string> further_fields) {
    if (point.axis_values.size() != tables.axes.size())
      throw std::invalid_argument("point " + std::to_string(point.point) + " has " +
                                  std::to_string(point.axis_values.size()) + " axis values for " +
                                  std::to_string(tables.axes.size()) + " axes");
    text_ += std::to_string(point.point);
    for (const std::string& value : point.axis_values)
      text_ += ',' + field(value);
    for (const std::string& text : further_fields)
      text_ += ',' + field(text);
    text_ += '\n';
  }

  std::string text() && { return std::move(text_); }

 private:
  std::string text_;
};

std::string mean_ns(Duration total, std::uint64_t count) {
  return count ? three_decimals(Wide(total.count()), Wide(1000) * count) : "";
}

} // namespace

std::string latency_csv(const ResultTables& tables) {
  Csv csv(tables, "operation,count,mean_ns,ci95_ns,p50_ns,p90_ns,p99_ns,p999_ns,max_ns,per_second");
  for (const ResultTables::Point& point : tables.points) {
    const MergedPoint merged = merge(point.seeds);
    for (const MergedOperation& operation : merged.operations) {
      const Histogram& latency = operation.latency;
      const auto quantile = [&](std::uint64_t numerator) {
        return latency.count() ? nanoseconds_text(latency.quantile(numerator, 1000)) : std::string();
      };
      const std::optional<double> ci95 = operation.ci95();
      csv.row(tables, point,
              {operation.name, std::to_string(latency.count()), mean_ns(latency.sum(), latency.count()),
               ci95 ? three_decimals(*ci95 / 1000) : "", quantile(500), quantile(900), quantile(990),
               quantile(999), quantile(1000),
               merged.measured.count() > 0 ? three_decimals(Wide(operation.completed) * 1'000'000'000'000u,
                                                            Wide(merged.measured.count()))
                                           : ""});
    }
  }
  return std::move(csv).text();
}

std::string account_csv(const ResultTables& tables) {
  Csv csv(tables, "operation,account,mean_ns,total_ps");
  for (const ResultTables::Point& point : tables.points)
    for (const MergedOperation& operation : merge(point.seeds).operations)
      for (std::size_t i = 0; i < account_count; ++i)
        if (const Duration total = operation.accounts[i]; total.count() != 0)
          csv.row(tables, point,
                  {operation.name, std::string(name(Account(i))), mean_ns(total, operation.latency.count()),
                   std::to_string(total.count())});
  return std::move(csv).text();
}

std::string counter_csv(const ResultTables& tables) {
  Csv csv(tables, "counter,value");
  for (const ResultTables::Point& point : tables.points) {
    const MergedPoint merged = merge(point.seeds);
    if (merged.seeds == 0) continue;
    for (std::size_t i = 0; i < counter_count; ++i)
      csv.row(tables, point,
              {std::string(name(Counter(i))), mean_count(merged.counters.values[i], merged.seeds)});
    for (const auto& [lock_class, stats] : merged.counters.lock_classes) {
      const auto mean = [&](std::string_view what, std::uint64_t sum) {
        csv.row(tables, point, {std::string(what) + lock_class, mean_count(sum, merged.seeds)});
      };
      const auto nanoseconds = [&](std::string_view what, Duration sum, std::uint64_t seeds) {
        csv.row(tables, point,
                {std::string(what) + lock_class, mean_count(Wide(sum.count()), Wide(1000) * seeds)});
      };
      mean("lock_acquired.", stats.acquired);
      mean("lock_contended.", stats.contended);
      nanoseconds("lock_wait_ns.", stats.wait, merged.seeds);
      nanoseconds("lock_hold_ns.", stats.hold, merged.seeds);
      nanoseconds("lock_wait_max_ns.", stats.wait_max, 1); // of all seeds the longest, and no mean of them
      nanoseconds("lock_hold_max_ns.", stats.hold_max, 1);
      mean("lock_acq_bounces.", stats.acq_bounces);
      mean("lock_con_bounces.", stats.con_bounces);
    }
  }
  return std::move(csv).text();
}

std::string point_csv(const ResultTables& tables) {
  Csv csv(tables, "seed,status,simulated_ns,host_s,events,warnings");
  for (const ResultTables::Point& point : tables.points) {
    std::vector<std::reference_wrapper<const PointResult>> seeds(point.seeds.begin(), point.seeds.end());
    std::sort(seeds.begin(), seeds.end(),
              [](const PointResult& a, const PointResult& b) { return a.seed < b.seed; });
    for (const PointResult& seed : seeds) {
      std::string warnings;
      for (const std::string& warning : seed.warnings)
        warnings += (warnings.empty() ? "" : "; ") + warning;
      csv.row(tables, point,
              {std::to_string(seed.seed), std::string(name(seed.status)), nanoseconds_text(seed.simulated),
               three_decimals(seed.host_seconds), std::to_string(seed.events), warnings});
    }
  }
  return std::move(csv).text();
}

void write_tables(const std::filesystem::path& directory, const ResultTables& tables) {
  StagedFile staged[] = {{directory / "latency.csv", latency_csv(tables)},
                         {directory / "account.csv", account_csv(tables)},
                         {directory / "counter.csv", counter_csv(tables)},
                         {directory / "point.csv", point_csv(tables)}};
  for (StagedFile& table : staged)
    table.publish();
}

} // namespace mmsim
