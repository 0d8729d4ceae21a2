// The cache lines of zone->free_area: the heads of the free lists, order by order, which holders of zone->lock write.
//
//   lines.enter();                                // zone->lock has just been taken
//   if (lines.write(core, order)) ...             // the first time in this hold: the last holder had them
//
// Models struct free_area, whose sizes are the kernel version's (PageMobility::Rules):
//
//   5.10, 64-bit            6 list heads of 16 bytes, nr_free of 8: 104 bytes, lines of 64
//   2.6.24, 32-bit Arm      5 list heads of  8 bytes, nr_free of 4:  44 bytes, lines of 32
//   2.6.23, 32-bit Arm      1 list head of   8 bytes, nr_free of 4:  12 bytes, lines of 32
//
// Neighbouring orders share lines, as they do there. Of an order two words are written: the head of the list of user
// pages, which stands for the other types', and nr_free. The array begins with a line: after a ZONE_PADDING in 5.10; in
// 2.6.24 it follows the lock, whose line is apart here.
#pragma once

#include "sim/machine/cache_line.hpp"

#include <array>
#include <cstdint>

namespace mmsim {

class Core;

/// In bytes.
struct FreeAreaSizes {
  std::uint32_t line;    ///< L1_CACHE_BYTES
  std::uint32_t order;   ///< sizeof(struct free_area)
  std::uint32_t list;    ///< where in it the head of the list of user pages is
  std::uint32_t nr_free; ///< where in it nr_free is
};

class FreeAreaLines {
 public:
  static constexpr unsigned orders = 11;

  explicit FreeAreaLines(const FreeAreaSizes& sizes) : sizes_(sizes) {}

  /// A new holder of the lock: it has written no order yet.
  void enter() { written_ = 0; }
  /// Writes the order's lines, unless this holder has done so. Returns whether it had not.
  bool write(Core& core, unsigned order);
  /// Reads nr_free of an order, without the lock.
  void read(Core& core, unsigned order);

 private:
  struct Line : CacheLine {
    Line() : CacheLine("zone free_area") {}
  };
  Line& line_of(unsigned order, std::uint32_t offset) {
    return lines_[(order * sizes_.order + offset) / sizes_.line];
  }

  const FreeAreaSizes sizes_;
  std::uint32_t written_ = 0; // a bit an order
  std::array<Line, 18> lines_;
};

} // namespace mmsim
