// Where memory is: nodes, the zones of each, and in which order an allocation tries them.
//
//   MemoryLayout layout(machine, configuration);
//   for (std::uint32_t zone : layout.zonelist(node, ZoneType::normal)) ...   // indices of layout.zones()
#pragma once

#include "models/pages/frame.hpp"
#include "sim/machine/machine.hpp"

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace mmsim {

/// enum zone_type, from what fits the most devices to what fits the fewest allocations.
enum class ZoneType : std::uint8_t { dma, dma32, normal, movable };
inline constexpr std::size_t zone_type_count = 4;
/// "DMA", "DMA32", "Normal", "Movable".
std::string_view name(ZoneType type);

/// A populated zone.
struct ZoneSpan {
  NodeId node;
  ZoneType type;
  FrameNumber first;     ///< a multiple of the largest block
  std::uint32_t present; ///< frames of memory
  std::uint32_t managed; ///< frames that the buddy system has, from `first` on; the rest are the kernel's own
};

class MemoryLayout {
 public:
  /// Throws InputError for zones that overlap or exceed the memory, and for too little memory for the kernel itself.
  MemoryLayout(const Machine& machine, const Configuration& configuration);

  /// All populated zones, node by node, each node's in the order of ZoneType.
  std::span<const ZoneSpan> zones() const { return zones_; }
  /// The index in zones() of the zone whose memory `frame` is. It must be somebody's.
  std::uint32_t zone_of(FrameNumber frame) const;
  NodeId node_of(FrameNumber frame) const { return NodeId((frame.value() >> node_shift_) - 1); }
  std::uint32_t nodes() const { return nodes_; }
  /// One past the last frame number.
  FrameNumber end() const { return end_; }

  /// node_distance(): 10 to itself.
  std::uint32_t distance(NodeId a, NodeId b) const;
  /// Indices of zones() that an allocation on `node` tries one after the other, if no zone above `highest` will do.
  std::span<const std::uint32_t> zonelist(NodeId node, ZoneType highest) const;

 private:
  std::vector<ZoneSpan> zones_;
  std::uint32_t nodes_ = 1;
  unsigned node_shift_ = 0; // frame numbers of a node begin at (node + 1) << node_shift_
  FrameNumber end_{};
  std::vector<std::array<std::vector<std::uint32_t>, zone_type_count>> zonelists_; // by node
};

} // namespace mmsim
