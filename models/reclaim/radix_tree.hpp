// The shape of page cache and swap cache: trees of 64 slots a node (RADIX_TREE_MAP_SIZE of 2.6.24, XA_CHUNK_SIZE of 5.10).
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

namespace mmsim {

/// The levels of a tree whose highest index is `slots` - 1.
constexpr int radix_tree_levels(std::uint64_t slots) {
  return std::max(1, (static_cast<int>(std::bit_width(slots - (slots > 0))) + 5) / 6);
}

} // namespace mmsim
