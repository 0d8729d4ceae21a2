// One swap area: what stands in its swap_map, and its bounds.
//
//   area.take(slot, SwapArea::has_cache);   // with the lock that the version guards it by
//   area.give(slot);
//
// Models struct swap_info_struct: pages, inuse_pages, lowest_bit, highest_bit, swap_map. A slot's word is how many
// page-table entries name it (2.6.24 counts the swap cache among them) and, in 5.10, SWAP_HAS_CACHE. Slot 0 is the
// header, which nobody gets.
//
// Left out: bad pages, holes, extents (a swap file is as good as a partition), discard; counts of more than 16383 and
// 5.10's continuation pages above 62; misses on swap_map, whose bytes are in machine.work.swap_slot.
#pragma once

#include "models/pages/swap_entry.hpp"

#include <cassert>
#include <cstdint>
#include <cstdlib>
#include <memory>

namespace mmsim {

class SwapArea {
 public:
  static constexpr std::uint16_t has_cache = 0x4000; ///< SWAP_HAS_CACHE
  static constexpr std::uint16_t count_mask = 0x3fff;

  /// Of `slots` slots that can be used. Throws std::bad_alloc.
  SwapArea(std::uint32_t type, std::uint32_t slots);

  SwapEntry entry(std::uint32_t slot) const { return {type, slot}; }
  std::uint16_t& operator[](std::uint32_t slot) {
    assert(slot < max);
    return map_[slot];
  }
  std::uint16_t operator[](std::uint32_t slot) const {
    assert(slot < max);
    return map_[slot];
  }
  /// A free slot gets a word: swap_range_alloc().
  void take(std::uint32_t slot, std::uint16_t usage);
  /// It is free again: swap_range_free().
  void give(std::uint32_t slot);

  const std::uint32_t type;
  const std::uint32_t max;       ///< one more than the last slot
  const std::uint32_t pages;     ///< that can be used
  std::uint32_t inuse_pages = 0; ///< of them, used
  std::uint32_t lowest_bit = 1;  ///< no slot below is free
  std::uint32_t highest_bit;     ///< none above; 0: the area is full

 private:
  struct Free {
    void operator()(std::uint16_t* map) const { std::free(map); }
  };
  std::unique_ptr<std::uint16_t[], Free> map_; // host memory only where it was written
};

} // namespace mmsim
