#include "models/pages/memory_layout.hpp"

#include "models/pages/buddy.hpp"
#include "models/pages/zonelist_order.hpp"

#include <algorithm>
#include <bit>
#include <spdlog/fmt/fmt.h>

namespace mmsim {

namespace {
// Node n has the frame numbers from (n + 1) << shift: aligned for the buddy system, with the node in the
// number, and without the number 0. Numbers with holes, as on machines with several sockets.
NodeMemory divide(std::uint32_t nodes, Bytes memory, const Configuration& configuration) {
  const std::uint64_t frames = memory.value() / bytes_per_frame / nodes;
  const std::uint64_t span = std::bit_ceil(std::max<std::uint64_t>(frames, Buddy::max_block));
  const NodeMemory whole{nodes, static_cast<std::uint32_t>(frames),
                         static_cast<unsigned>(std::countr_zero(span)), memory};
  const Origin origin = configuration.origin_of("machine.memory");
  if (frames == 0) throw InputError(fmt::format("{}: not a page for each", whole.text()), origin);
  if ((nodes + 1) * span > UINT32_MAX)
    throw InputError(fmt::format("{}: frame numbers have 32 bits, enough for 4 TiB", whole.text()), origin);
  return whole;
}
} // namespace

MemoryLayout::MemoryLayout(std::uint32_t nodes, Bytes memory, const Configuration& configuration) {
  const NodeMemory each = divide(nodes, memory, configuration);
  const auto parameters = read_parameters<LayoutParameters>(configuration);
  zones_ = size_zones(parameters, each, configuration);
  shift_ = each.shift;
  end_ = FrameNumber((nodes + 1) << each.shift);
  remote_distance_ = static_cast<std::uint32_t>(parameters.distance);
  highest_zone_.resize(nodes);
  for (std::uint32_t zone = 0; zone < zones_.size(); ++zone)
    highest_zone_[zones_[zone].node.value()] = zone;
  constexpr std::uint32_t named = 5; // kernel_root() and empty_zero_page()
  for (const ZoneSpan& zone : zones_)
    if (kernel_own_ == FrameNumber{} && zone.spanned >= zone.managed + named)
      kernel_own_ = zone.first + (zone.spanned - named);
  build_zonelists(parameters.zonelist_order);
}

void MemoryLayout::build_zonelists(const std::string& order) {
  const auto orders = node_orders(nodes(), [this](NodeId a, NodeId b) { return distance(a, b); });
  const bool zone_order = order == "zone" || (order == "default" &&
                                              default_zonelist_order(zones_, nodes()) == ZonelistOrder::zone);
  zonelists_.resize(nodes());
  for (std::uint32_t node = 0; node < nodes(); ++node) {
    // All zones, nearest node first, a node's from the highest down.
    std::vector<std::uint32_t> all;
    for (const NodeId other : orders[node])
      for (std::uint32_t zone = highest_zone_[other.value()] + 1; zone-- > 0 && zones_[zone].node == other;)
        all.push_back(zone);
    if (zone_order)
      std::ranges::stable_sort(all, std::ranges::greater{}, [&](auto zone) { return zones_[zone].type; });
    for (std::size_t highest = 0; highest < zone_type_count; ++highest)
      std::ranges::copy_if(all, std::back_inserter(zonelists_[node][highest]), [&](std::uint32_t zone) {
        return static_cast<std::size_t>(zones_[zone].type) <= highest;
      });
  }
}

} // namespace mmsim
