#include "sim/record/wait_totals.hpp"

#include <algorithm>

namespace mmsim {

std::vector<WaitTotals::Row> WaitTotals::rows() const {
  std::vector<Row> sorted = rows_;
  std::ranges::sort(sorted, {}, [](const Row& row) { return row.whom.value(); });
  return sorted;
}

} // namespace mmsim
