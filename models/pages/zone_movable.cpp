// find_zone_movable_pfns_for_nodes() of mm/page_alloc.c, since 2.6.23.
#include "models/pages/buddy.hpp"
#include "models/pages/zone_sizes.hpp"

#include <algorithm>

namespace mmsim {
namespace {
std::uint64_t whole_blocks(std::uint64_t frames) {
  return (frames + Buddy::max_block - 1) / Buddy::max_block * Buddy::max_block;
}
} // namespace

std::vector<std::uint32_t> movable_starts(const NodeMemory& memory, std::uint64_t usable_start,
                                          std::uint64_t kernelcore, std::uint64_t movablecore) {
  if (movablecore != 0)
    kernelcore = std::max(kernelcore, memory.total() - std::min(memory.total(), whole_blocks(movablecore)));
  if (kernelcore == 0 || kernelcore >= memory.total())
    return std::vector<std::uint32_t>(memory.nodes, memory.frames);

  // Addresses. A node that has not got any of kernelcore yet begins with its own.
  std::vector<std::uint64_t> starts(memory.nodes);
  for (std::uint32_t node = 0; node < memory.nodes; ++node)
    starts[node] = std::uint64_t{node} * memory.frames;
  // Nodes too small for their share leave some over; then it is spread over one node less, until the rest is rounding.
  std::uint64_t usable_nodes = memory.nodes;
  do {
    std::uint64_t share = kernelcore / usable_nodes;
    for (std::uint32_t node = 0; node < memory.nodes; ++node) {
      if (kernelcore < share) share = kernelcore / usable_nodes;
      std::uint64_t left = share;
      const std::uint64_t end = std::uint64_t{node + 1} * memory.frames;
      std::uint64_t start = starts[node];
      if (start >= end) continue;
      if (start < usable_start) {
        const std::uint64_t below = std::min(end, usable_start) - start;
        left -= std::min(below, left);
        kernelcore -= std::min(below, kernelcore);
        start += below;
      }
      const std::uint64_t size = std::min(end - start, left);
      starts[node] = start + size;
      kernelcore -= std::min(size, kernelcore);
    }
    --usable_nodes;
  } while (usable_nodes != 0 && kernelcore > usable_nodes);

  std::vector<std::uint32_t> result;
  for (std::uint32_t node = 0; node < memory.nodes; ++node) {
    const std::uint64_t start = whole_blocks(starts[node] - std::uint64_t{node} * memory.frames);
    result.push_back(static_cast<std::uint32_t>(std::min<std::uint64_t>(start, memory.frames)));
  }
  return result;
}

} // namespace mmsim
