// point.csv: how each run ended.

#include <algorithm>
#include <functional>
#include <vector>

#include "sim/record/table_rows.hpp"

namespace mmsim {

void add_runs(std::string& table, const PointRows& rows) {
  std::vector<std::reference_wrapper<const PointResult>> seeds(rows.point.seeds.begin(),
                                                               rows.point.seeds.end());
  std::sort(seeds.begin(), seeds.end(),
            [](const PointResult& a, const PointResult& b) { return a.seed < b.seed; });
  for (const PointResult& seed : seeds) {
    std::string warnings;
    for (const std::string& warning : seed.warnings)
      warnings += (warnings.empty() ? "" : "; ") + warning;
    rows.row(table, {std::to_string(seed.seed), std::string(name(seed.status)),
                     nanoseconds_text(std::uint64_t(seed.simulated.count())),
                     three_decimals(seed.host_seconds), std::to_string(seed.events), warnings});
  }
}

} // namespace mmsim
