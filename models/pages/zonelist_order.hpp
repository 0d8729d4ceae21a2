// In which order an allocation tries nodes and zones.
//
//   const auto orders = node_orders(nodes, [&](NodeId a, NodeId b) { return layout.distance(a, b); });
//   for (NodeId node : orders[1]) ...   // 1, 2, 3, 0
//
// Models find_next_best_node() and build_zonelists() of 2.6.24 and 5.10, and default_zonelist_order() of 2.6.24.
// A node's load counts from node to node as in 5.10; 2.6.24 clears it for each, which is the same where all other
// nodes are equally far, as on the machines here.
//
// Left out: the preference for nodes without CPUs among equals (PENALTY_FOR_NODE_WITH_CPUS), which sockets become that
// run.cpus leaves without any, zone_reclaim_mode.
#pragma once

#include "models/pages/zone_sizes.hpp"

#include <functional>
#include <span>
#include <vector>

namespace mmsim {

enum class ZonelistOrder : std::uint8_t { node, zone };

/// For each node all nodes, itself first, then by distance; among equals those after it, and those that fewer nodes
/// have as their first.
std::vector<std::vector<NodeId>> node_orders(std::uint32_t nodes,
                                             const std::function<std::uint32_t(NodeId, NodeId)>& distance);

/// Zone order where DMA memory is scarce, so that it is used up last: at most half of all memory, and of no large node
/// more than 70 %. `zones` as size_zones() returns them.
ZonelistOrder default_zonelist_order(std::span<const ZoneSpan> zones, std::uint32_t nodes);

} // namespace mmsim
