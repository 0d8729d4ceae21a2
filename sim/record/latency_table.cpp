// latency.csv and histogram.csv: how long operations took.

#include <optional>

#include "sim/record/table_rows.hpp"

namespace mmsim {

void add_latencies(std::string& table, const PointRows& rows) {
  for (const MergedOperation& operation : rows.merged.operations) {
    const Histogram& latency = operation.latency;
    const auto quantile = [&](std::uint64_t numerator) {
      return latency.count() ? nanoseconds_text(std::uint64_t(latency.quantile(numerator, 1000).count()))
                             : std::string();
    };
    const std::optional<double> ci95 = operation.ci95();
    const auto measured = Wide(rows.merged.measured.count());
    rows.row(table,
             {operation.name, std::to_string(latency.count()), mean_ns(latency.sum(), latency.count()),
              ci95 ? three_decimals(*ci95 / 1000) : "", quantile(500), quantile(900), quantile(990),
              quantile(999), quantile(1000),
              measured > 0 ? three_decimals(Wide(operation.completed) * 1'000'000'000'000u, measured) : ""});
  }
}

void add_histograms(std::string& table, const PointRows& rows) {
  constexpr int bits = 4; // 16 buckets an octave: 6 % of a value, finer than a line on paper
  for (const MergedOperation& operation : rows.merged.operations)
    for (const auto& [low, high, count] : operation.latency.intervals(bits))
      rows.row(table, {operation.name, nanoseconds_text(low), nanoseconds_text(high), std::to_string(count)});
}

} // namespace mmsim
