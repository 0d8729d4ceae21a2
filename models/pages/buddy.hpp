// The buddy system: free memory as blocks of 2^order frames, split on demand and merged with their buddies
// when freed.
//
//   Buddy buddy(frames, FrameNumber(1024), 4096);
//   auto [frame, splits] = buddy.take(0);
//   unsigned merges = buddy.put(frame, 0);
//
// Models free_area[], __rmqueue_smallest() with expand(), and __free_one_page() of mm/page_alloc.c (2.6.24,
// 5.10): the first block of the smallest sufficient order is taken, its lower half kept at each split; a
// freed block merges as long as its buddy (number ^ 2^order) is free and of the same order, and goes to the
// front of its list. A data structure without time: it says how many steps it made, the caller charges them
// and holds the lock.
//
// Blocks of the highest order that nobody has used yet stand behind those on the list, lowest number first,
// and are not on it: nothing is touched at the start, and an idle terabyte costs nothing. That is the order
// in which 5.10 hands out memory after boot (2.6.24 began at the top).
//
// Left out: migrate types and stealing between them, the tail placement of blocks about to merge (2.6.35),
// shuffling.
#pragma once

#include "models/pages/frame.hpp"
#include "models/pages/frame_list.hpp"

#include <array>

namespace mmsim {

class Buddy {
 public:
  /// MAX_ORDER - 1 of both kernels: blocks of 4 MiB.
  static constexpr unsigned max_order = 10;
  static constexpr std::uint32_t max_block = std::uint32_t{1} << max_order;

  /// Manages `count` frames from `first`, which must be a multiple of max_block. `frames` must reach to the
  /// next such multiple and outlive this.
  Buddy(FrameTable& frames, FrameNumber first, std::uint32_t count);
  Buddy(const Buddy&) = delete;
  Buddy& operator=(const Buddy&) = delete;

  struct Taken {
    FrameNumber frame; ///< first of the block; no_frame if no block was large enough
    unsigned splits;
  };
  /// A block of 2^order frames, of which the first knows its order. It is nobody's (`part`) until the caller
  /// says whose.
  Taken take(unsigned order);
  /// Frees a block that take(order) gave. Returns how many times it merged.
  unsigned put(FrameNumber frame, unsigned order);

  FrameNumber first() const { return first_; }
  FrameNumber end() const { return first_ + count_; }
  std::uint32_t managed_frames() const { return count_; }
  std::uint32_t free_frames() const { return free_; }
  /// Free blocks of exactly that order, unused ones included: what /proc/buddyinfo shows.
  std::uint32_t free_blocks(unsigned order) const;

  /// What one walk over the touched blocks has found, in frames.
  struct Census {
    std::uint64_t free = 0, per_cpu = 0, allocated = 0;
  };
  /// Walks over all blocks that were ever used: they must cover the memory without gap or overlap, and those
  /// that are free must be what the lists hold. Throws Violation with the values.
  Census check() const;

 private:
  void add(FrameNumber frame, unsigned order);
  void walk(std::uint32_t from, std::uint32_t to, Census& census,
            std::array<std::uint32_t, max_order + 1>& free_blocks) const;

  FrameTable& frames_;
  const FrameNumber first_;
  const std::uint32_t count_;
  std::uint32_t free_ = 0;
  std::uint32_t unused_;           // next block of the highest order that nobody has used
  const std::uint32_t unused_end_; // of those blocks; smaller ones follow where the memory ends unevenly
  std::array<FrameList, max_order + 1> lists_;
};

} // namespace mmsim
