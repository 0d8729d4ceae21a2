// Where memory is: nodes, the zones of each, and in which order an allocation tries them.
//
//   MemoryLayout layout(machine, configuration);
//   for (std::uint32_t zone : layout.zonelist(node, ZoneType::normal)) ...   // indices of layout.zones()
//
// A socket's memory is a node. What the zones' sizes are: zone_sizes.hpp; the order of zonelists:
// zonelist_order.hpp; watermarks and lengths of per-CPU lists: zone_limits.hpp.
#pragma once

#include "models/pages/frame.hpp"
#include "models/pages/zone_sizes.hpp"
#include "sim/machine/machine.hpp"

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace mmsim {

class MemoryLayout {
 public:
  /// Throws InputError for zones that overlap or exceed the memory, for too little memory for the kernel
  /// itself, and for more than 32-bit frame numbers can name.
  MemoryLayout(const Machine& machine, const Configuration& configuration)
      : MemoryLayout(machine.topology().sockets(), machine.costs().memory.memory, configuration) {}
  MemoryLayout(std::uint32_t nodes, Bytes memory, const Configuration& configuration);

  /// All populated zones, node by node, each node's in the order of ZoneType. A node has at least one.
  std::span<const ZoneSpan> zones() const { return zones_; }
  /// The index in zones() of the zone whose memory `frame` is, the kernel's own included. It must be
  /// somebody's.
  std::uint32_t zone_of(FrameNumber frame) const {
    std::uint32_t zone = highest_zone_[(frame.value() >> shift_) - 1];
    while (frame < zones_[zone].first)
      --zone;
    return zone;
  }
  NodeId node_of(FrameNumber frame) const { return NodeId((frame.value() >> shift_) - 1); }
  std::uint32_t nodes() const { return static_cast<std::uint32_t>(highest_zone_.size()); }
  /// Frames of the kernel's own memory that models name, in the first zone that has some.
  FrameNumber kernel_root() const { return kernel_own_; }         ///< swapper_pg_dir, with room for 16 KiB
  FrameNumber empty_zero_page() const { return kernel_own_ + 4; } ///< always there: nobody counts who maps it
  /// One past the last frame number.
  FrameNumber end() const { return end_; }

  /// node_distance(): 10 to itself.
  std::uint32_t distance(NodeId a, NodeId b) const { return a == b ? 10 : remote_distance_; }
  /// Indices of zones() that an allocation on `node` tries one after the other, if no zone above `highest`
  /// will do.
  std::span<const std::uint32_t> zonelist(NodeId node, ZoneType highest) const {
    return zonelists_[node.value()][static_cast<std::size_t>(highest)];
  }

 private:
  void build_zonelists(const std::string& order);

  std::vector<ZoneSpan> zones_;
  unsigned shift_; // frame numbers of a node begin at (node + 1) << shift_
  FrameNumber end_;
  std::uint32_t remote_distance_;
  FrameNumber kernel_own_{};
  std::vector<std::uint32_t> highest_zone_;                                        // by node, index of zones_
  std::vector<std::array<std::vector<std::uint32_t>, zone_type_count>> zonelists_; // by node
};

} // namespace mmsim
