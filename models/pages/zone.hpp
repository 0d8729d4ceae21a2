// A zone: one node's memory, its buddy system under zone->lock.
//
// Models struct zone ("Normal", the only one of a node) of 2.6.24 and 5.10 with rmqueue_bulk(),
// free_pages_bulk() (2.6.24; free_pcppages_bulk() in 5.10), and the order > 0 halves of
// buffered_rmqueue()/rmqueue() and __free_pages_ok(). The lock stands on its own cache line; the heads of the
// free lists, which its holder writes, travel with him as one more line (free_area).
//
// Left out, for later: watermarks, reserves, zone DMA. Instead of zone_watermark_ok() a look at the number of
// free frames, without the lock as there, turns callers away from an empty zone.
#pragma once

#include "models/locks/spinlock.hpp"
#include "models/pages/buddy.hpp"
#include "sim/machine/cache_line.hpp"

#include <memory>

namespace mmsim {

class Core;

/// Whether a page's contents are likely to be in the core's cache: __GFP_COLD, free_hot_cold_page().
enum class Temperature : std::uint8_t { hot, cold };

/// All of it is called with irqs off on `core`. Costs: lock and unlock; a write of the line of the free
/// lists; machine.work.buddy_alloc or buddy_free a block and buddy_step a split or merge, booked as `alloc`.
class Zone {
 public:
  Zone(FrameTable& frames, SpinLocks& locks, NodeId node, FrameNumber first, std::uint32_t count);

  NodeId node() const { return node_; }
  FrameTable& frames() { return frames_; }
  const Buddy& buddy() const { return buddy_; }
  bool contains(FrameNumber frame) const { return frame >= buddy_.first() && frame < buddy_.end(); }

  /// One block; no_frame if there is none. The caller sets its state.
  FrameNumber take(Core& core, unsigned order);
  void put(Core& core, FrameNumber frame, unsigned order);
  /// rmqueue_bulk: up to `count` frames for an empty per-CPU list, such that allocations from that `end` get
  /// them in the order in which the buddy system gave them. Returns how many there were.
  std::uint32_t refill(Core& core, FrameList& list, std::uint32_t count, ListEnd end);
  /// free_pages_bulk: `count` frames, or all there are, from the back of a per-CPU list.
  void drain(Core& core, FrameList& list, std::uint32_t count);

 private:
  bool looks_empty(Core& core) const;
  void enter(Core& core);

  FrameTable& frames_;
  const NodeId node_;
  Buddy buddy_;
  std::unique_ptr<SpinLock> lock_;
  CacheLine free_area_{"zone free_area"};
};

} // namespace mmsim
