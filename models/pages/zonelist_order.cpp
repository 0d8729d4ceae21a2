#include "models/pages/zonelist_order.hpp"

namespace mmsim {

std::vector<std::vector<NodeId>> node_orders(std::uint32_t nodes,
                                             const std::function<std::uint32_t(NodeId, NodeId)>& distance) {
  std::vector<std::vector<NodeId>> orders;
  std::vector<std::uint32_t> node_load(nodes);
  for (NodeId local(0); local < NodeId(nodes); ++local) {
    std::vector<NodeId> order{local};
    std::vector<bool> used(nodes);
    used[local.value()] = true;
    // Counts down, so that the node that is first for many at the smallest distance has the greatest load.
    for (std::uint32_t load = nodes - 1; load > 0; --load) {
      NodeId best = local;
      std::uint64_t least = UINT64_MAX;
      for (NodeId n(0); n < NodeId(nodes); ++n) {
        if (used[n.value()]) continue;
        const std::uint64_t far = distance(local, n) + (n < local ? 1 : 0); // "prefer the next node"
        const std::uint64_t value = far * nodes * nodes + node_load[n.value()];
        if (value >= least) continue;
        least = value;
        best = n;
      }
      if (distance(local, best) != distance(local, order.back())) node_load[best.value()] = load;
      used[best.value()] = true;
      order.push_back(best);
    }
    orders.push_back(std::move(order));
  }
  return orders;
}

ZonelistOrder default_zonelist_order(std::span<const ZoneSpan> zones, std::uint32_t nodes) {
  std::uint64_t low = 0, total = 0;
  std::vector<std::uint64_t> low_of(nodes), total_of(nodes);
  for (const ZoneSpan& zone : zones) {
    if (zone.type < ZoneType::normal) {
      low += zone.present;
      low_of[zone.node.value()] += zone.present;
    }
    total += zone.present;
    total_of[zone.node.value()] += zone.present;
  }
  if (low == 0 || low > total / 2) return ZonelistOrder::node;
  const std::uint64_t average = total / (nodes + 1);
  for (std::uint32_t node = 0; node < nodes; ++node)
    if (low_of[node] != 0 && total_of[node] > average && low_of[node] > total_of[node] * 70 / 100)
      return ZonelistOrder::node;
  return ZonelistOrder::zone;
}

} // namespace mmsim
