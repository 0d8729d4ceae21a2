#include "sim/machine/core_cache.hpp"

#include "sim/machine/cost_book.hpp"
#include "sim/machine/topology.hpp"

#include <algorithm>

namespace mmsim {

CoreCaches::CoreCaches(const CostBook& costs, const Topology& topology, std::uint32_t cores)
    : brought_in_(cores), costs_(costs), topology_(topology) {
  const std::uint64_t size = costs.memory.cache_size.value();
  if (size >= whole) lost_a_page_ = std::max<std::uint64_t>(1, whole * one * whole / size);
}

Duration CoreCaches::line_cost(CoreId core, CacheStamp stamp) const {
  const std::optional<Holder> found = holder(stamp);
  const std::int64_t there = found ? found->resident : 0;
  Duration cost = (whole - there) * costs_.line.dram;
  if (found && found->core != core)
    cost += there * (costs_.line.transfer + topology_.latency(core, found->core));
  return cost / whole;
}

} // namespace mmsim
