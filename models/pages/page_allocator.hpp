// The page allocator: frames from the core's own node, else from the others.
//
//   FrameNumber frame = pages.alloc_page(core);
//   if (frame == no_frame) ...                        // out of memory
//   if (--pages[frame].refcount == 0) pages.free_page(core, frame);
//
// Models __alloc_pages() -> get_page_from_freelist() -> buffered_rmqueue() of 2.6.24
// (__alloc_pages_nodemask() -> rmqueue() -> rmqueue_pcplist() of 5.10), free_hot_cold_page()
// (free_unref_page()) and __free_pages_ok(): order 0 from and to the core's per-CPU list with irqs off,
// higher orders under zone->lock. Memory is in equal parts on the sockets, one zone "Normal" each; a zone's
// fallbacks stand in order of distance, the next node first among equals.
//
// Left out, for later: watermarks and the slow path (kswapd, reclaim, draining other CPUs' lists, the OOM
// killer: the caller gets no_frame), memory policies, the frames that kernel image and mem_map take.
//
// Costs: machine.work.pcp_alloc, pcp_free a frame through a per-CPU list, booked as `alloc`; what the zone
// charges (zone.hpp) for a refill, a drain, a block of a higher order. Zeroing is the caller's.
#pragma once

#include "models/pages/gfp.hpp"
#include "models/pages/pcp.hpp"
#include "models/pages/reclaim_hooks.hpp"
#include "models/pages/zone.hpp"
#include "sim/machine/machine.hpp"

#include <memory>
#include <vector>

namespace mmsim {

class PageAllocator {
 public:
  /// The machine's memory, all of it free. Throws InputError if it is too much for 32-bit frame numbers or so
  /// little that a node has none.
  PageAllocator(Machine& machine, SpinLocks& locks, const Configuration& configuration);

  /// Whom the allocator asks when memory runs short. Before the machine runs; until then nobody.
  void set_reclaim(ReclaimHooks& hooks) { reclaim_ = &hooks; }

  /// A frame with refcount 1, mapcount 0 and flags 0; no_frame if no node has any.
  [[nodiscard]] FrameNumber alloc_page(Core& core, Gfp gfp = GFP_KERNEL);
  /// Frees it: its epoch goes up. Throws Violation if it is not allocated, referenced or still mapped.
  void free_page(Core& core, FrameNumber frame, Temperature temperature = Temperature::hot);
  /// 2^order consecutive frames, of which the first has the reference; no_frame if there is no such block.
  [[nodiscard]] FrameNumber alloc_pages(Core& core, unsigned order, Gfp gfp = GFP_KERNEL);
  /// Frees what alloc_pages(order) gave; the epochs of all its frames go up.
  void free_pages(Core& core, FrameNumber frame, unsigned order);
  /// drain_local_pages: the core's per-CPU lists go back to their zones.
  void drain_local_pages(Core& core);

  Frame& operator[](FrameNumber frame) { return frames_[frame]; }
  const Frame& operator[](FrameNumber frame) const { return frames_[frame]; }
  FrameTable& frames() { return frames_; }
  /// The node whose memory a frame is.
  NodeId node_of(FrameNumber frame) const { return NodeId((frame.value() >> node_shift_) - 1); }
  Zone& zone(NodeId node) { return *nodes_[node.value()].zone; }

  /// In frames, all nodes together.
  std::uint64_t managed_frames() const { return managed_; }
  /// In the buddy systems, without per-CPU lists: NR_FREE_PAGES.
  std::uint64_t free_frames() const;
  std::uint64_t allocated_frames() const { return allocated_; }

  /// At a quiescent point: free + per-CPU + allocated = managed, and every frame is on the one list that its
  /// state says. Costs host time for every frame ever used. Throws Violation with the values.
  void check_invariants() const;

 private:
  struct Node {
    std::unique_ptr<Zone> zone;
    std::unique_ptr<PerCpuLists> lists;
    std::vector<std::uint32_t> fallbacks; // the other nodes, nearest first
  };
  struct Layout;
  PageAllocator(Machine& machine, SpinLocks& locks, const Configuration& configuration, const Layout& layout);

  Node& node_at(FrameNumber frame) { return nodes_[node_of(frame).value()]; }
  FrameNumber take_from_zonelist(Core& core, Gfp gfp);
  FrameNumber alloc_slowpath(Core& core, Gfp gfp);
  FrameNumber take_single(Core& core, Node& node, Temperature temperature);
  FrameNumber take_block(Core& core, Node& node, unsigned order);
  void prepare(Core& core, FrameNumber frame, unsigned order);
  void retire(Core& core, FrameNumber frame, unsigned order);
  [[noreturn, gnu::cold]] void bad_free(FrameNumber frame, unsigned order) const;

  const unsigned node_shift_; // frame numbers of a node begin at (node + 1) << node_shift_
  FrameTable frames_;
  std::vector<Node> nodes_;
  std::vector<Node*> home_; // by core
  std::uint64_t managed_ = 0;
  std::uint64_t allocated_ = 0;
  ReclaimHooks* reclaim_ = nullptr;
};

} // namespace mmsim
