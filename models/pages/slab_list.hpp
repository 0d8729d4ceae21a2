// Slabs and their lists: what struct slab (2.6.24) or the slab part of struct page (5.10) says.
#pragma once

#include "sim/engine/strong_int.hpp"

#include <cstdint>
#include <deque>

namespace mmsim {

inline constexpr std::uint32_t no_slab = UINT32_MAX;

/// Where a slab stands. Changed under its node's list_lock.
enum class SlabState : std::uint8_t { unused, full, partial, free, dying };

struct Slab {
  FrameNumber frame{}; ///< the first of its pages
  std::uint32_t next = no_slab, previous = no_slab;
  std::uint16_t inuse = 0;      ///< objects that are not in its free list
  std::uint16_t first_free = 0; ///< the free list's head, into the cache's links
  std::uint8_t node = 0;        ///< whose memory it is
  SlabState state = SlabState::unused;
};

/// A list_head of slabs, linked by their numbers.
class SlabList {
 public:
  explicit SlabList(SlabState state) : state_(state) {}
  bool empty() const { return front_ == no_slab; }
  std::uint32_t front() const { return front_; }
  std::uint32_t back() const { return back_; }
  std::uint32_t size() const { return size_; }

  void push_front(std::deque<Slab>& slabs, std::uint32_t slab) { link(slabs, slab, no_slab, front_); }
  void push_back(std::deque<Slab>& slabs, std::uint32_t slab) { link(slabs, slab, back_, no_slab); }
  void remove(std::deque<Slab>& slabs, std::uint32_t slab) {
    const Slab& s = slabs[slab];
    (s.previous == no_slab ? front_ : slabs[s.previous].next) = s.next;
    (s.next == no_slab ? back_ : slabs[s.next].previous) = s.previous;
    --size_;
  }

 private:
  void link(std::deque<Slab>& slabs, std::uint32_t slab, std::uint32_t before, std::uint32_t after) {
    slabs[slab].previous = before;
    slabs[slab].next = after;
    slabs[slab].state = state_;
    (before == no_slab ? front_ : slabs[before].next) = slab;
    (after == no_slab ? back_ : slabs[after].previous) = slab;
    ++size_;
  }

  const SlabState state_;
  std::uint32_t front_ = no_slab, back_ = no_slab, size_ = 0;
};

} // namespace mmsim
