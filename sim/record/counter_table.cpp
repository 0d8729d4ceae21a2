// counter.csv and ipi.csv: what was counted, as means over the seeds.

#include "sim/record/table_rows.hpp"

namespace mmsim {

void add_counters(std::string& table, const PointRows& rows) {
  const MergedPoint& merged = rows.merged;
  if (merged.seeds == 0) return;
  for (std::size_t i = 0; i < counter_count; ++i)
    rows.row(table, {std::string(name(Counter(i))), mean_count(merged.counters.values[i], merged.seeds)});
  for (const auto& [lock_class, stats] : merged.counters.lock_classes) {
    const auto mean = [&](std::string_view what, std::uint64_t sum) {
      rows.row(table, {std::string(what) + lock_class, mean_count(sum, merged.seeds)});
    };
    const auto nanoseconds = [&](std::string_view what, Duration sum, std::uint64_t seeds) {
      rows.row(table, {std::string(what) + lock_class, mean_count(Wide(sum.count()), Wide(1000) * seeds)});
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

void add_ipis(std::string& table, const PointRows& rows) {
  const IpiCounts& ipis = rows.merged.ipis;
  for (std::uint32_t from = 0; from < ipis.groups(); ++from)
    for (std::uint32_t to = 0; to < ipis.groups(); ++to)
      if (const std::uint64_t count = ipis.at(from, to))
        rows.row(table, {std::to_string(from * ipis.width()), std::to_string(to * ipis.width()),
                         std::to_string(ipis.width()), mean_count(count, rows.merged.seeds)});
}

} // namespace mmsim
