#include "models/reclaim/swap_area.hpp"

#include <algorithm>
#include <new>

namespace mmsim {

SwapArea::SwapArea(std::uint32_t type, std::uint32_t slots)
    : type(type), max(slots + 1), pages(slots), highest_bit(slots),
      map_(static_cast<std::uint16_t*>(std::calloc(max, sizeof(std::uint16_t)))) {
  if (map_ == nullptr) throw std::bad_alloc();
}

void SwapArea::take(std::uint32_t slot, std::uint16_t usage) {
  assert(slot != 0 && map_[slot] == 0);
  map_[slot] = usage;
  if (slot == lowest_bit) ++lowest_bit;
  if (slot == highest_bit) --highest_bit;
  if (++inuse_pages < pages) return;
  lowest_bit = max;
  highest_bit = 0;
}

void SwapArea::give(std::uint32_t slot) {
  map_[slot] = 0;
  lowest_bit = std::min(lowest_bit, slot);
  highest_bit = std::max(highest_bit, slot);
  --inuse_pages;
}

} // namespace mmsim
