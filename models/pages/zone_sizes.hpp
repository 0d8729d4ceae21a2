// How much memory is whose: the zones of each node, and what the kernel keeps of them for itself.
//
//   const auto zones = size_zones(parameters, memory, configuration);   // node by node, from DMA to Movable
//
// Models free_area_init_nodes() with find_zone_movable_pfns_for_nodes() and free_area_init_core() of 2.6.24 and 5.10.
// An address is counted from the start of node 0's memory, and node n + 1's memory follows that of node n: machines
// without holes. What the kernel needs for itself comes off the end of a zone, so that the buddy system has one piece:
// each node's mem_map off its highest zone that is not Movable (where bootmem and memblock put it when they allocate
// from the top), the image with what was allocated at boot off the lowest zone of node 0 that holds it. A zone keeps
// a quarter for others; what does not fit goes to the next zone, and the image's rest to the next node.
//
// Left out: holes, and devices' or firmware's own memory; memory that boot gives back (__init).
#pragma once

#include "models/pages/frame.hpp"
#include "sim/engine/parameter.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mmsim {

/// enum zone_type, from what fits the most devices to what fits the fewest allocations.
enum class ZoneType : std::uint8_t { dma, dma32, normal, movable };
inline constexpr std::size_t zone_type_count = 4;
/// "DMA", "DMA32", "Normal", "Movable".
std::string_view name(ZoneType type);

/// A number for each type of zone of a node.
using PerZoneType = std::array<std::uint64_t, zone_type_count>;

/// A populated zone. Counts are in frames.
struct ZoneSpan {
  NodeId node;
  ZoneType type;
  FrameNumber first;     ///< a multiple of the largest block
  std::uint32_t spanned; ///< frames of memory
  std::uint32_t present; ///< present_pages: all (5.10), or without the zone's mem_map (2.6.24)
  std::uint32_t
      managed; ///< frames that the buddy system has, from `first` on; the rest are the kernel's own. Never 0
  std::uint32_t
      pages; ///< what this kernel's formulas take for its size: `managed` in 5.10, `present` in 2.6.24
};

struct LayoutParameters {
  Bytes dma, dma32, movablecore, kernelcore, image;
  std::int64_t page_struct, distance;
  std::string zone_pages, zonelist_order;
  static void declare(Declaration& d, LayoutParameters& p);
};
inline const DeclareParameters<LayoutParameters> declared_layout_parameters;

/// The same memory on each node. Frame numbers of node n begin at (n + 1) << shift.
struct NodeMemory {
  std::uint32_t nodes, frames; ///< `frames`: of one node
  unsigned shift;
  Bytes all; ///< machine.memory, for messages
  std::uint64_t total() const { return std::uint64_t{nodes} * frames; }
  /// "machine.memory = "4 GiB" on 2 sockets", for messages.
  std::string text() const;
};

/// Throws InputError for zones that overlap, exceed the memory or do not begin at a largest block, and for too little
/// memory for the kernel itself.
std::vector<ZoneSpan> size_zones(const LayoutParameters& parameters, const NodeMemory& memory,
                                 const Configuration& configuration);

/// Where ZONE_MOVABLE begins in each node, in frames from the node's start; `frames` where there is none.
/// find_zone_movable_pfns_for_nodes(): kernelcore is spread evenly over the nodes. Memory below the address
/// `usable_start` (of the highest zone) is not for it. Counts are in frames, 0 is "not asked for".
std::vector<std::uint32_t> movable_starts(const NodeMemory& memory, std::uint64_t usable_start,
                                          std::uint64_t kernelcore, std::uint64_t movablecore);

} // namespace mmsim
