// A slab cache: objects of one size, given out from per-CPU arrays.
//
//   KmemCache vmas({machine, locks, pages, configuration}, {.name = "vm_area_struct", .size = 200});
//   SlabObject object = vmas.alloc(core, GFP_KERNEL);    // no_object: out of memory
//   ...
//   vmas.free(core, object);
//
// Models kmem_cache_alloc() and kmem_cache_free() of mm/slab.c, 2.6.24 (kernel.slab = "bufctl") and 5.10
// ("freelist": 5.10 with CONFIG_SLAB; its default is SLUB):
// - a CPU's array_cache is a stack that only it touches, with irqs off: no line, no lock;
// - empty, it is refilled by a batch (cache_alloc_refill): from the node's shared array, else from partial,
//   then free slabs, all under the node's list_lock; the first time by 16 at most;
// - nothing there: a new slab (cache_grow), with list_lock dropped and irqs on if the caller may wait. 2.6.24 takes
//   list_lock for the slab's colour before and to hand it in after, and then looks again; 5.10 does not take it if
//   it sees without it that the node has nothing, fills the array from the new slab and takes it once;
// - full, its oldest batch goes (cache_flusharray) to the shared array, or if that is full back into the slabs
//   (free_block). What exceeds the node's free_limit in whole free slabs is given back: under list_lock in 2.6.24,
//   after it in 5.10;
// - arrays hold objects of their own node only. If a new slab comes from another node (or the task has come to one
//   meanwhile), it joins that node's slabs, and its finder has one object of it (fallback_alloc). As long as that
//   is so, nodes that have free objects give one each time before another slab is made;
// - an object of another node goes straight to its slab under that node's list_lock, as with `noaliencache`.
//
// Lines: list_lock stands on the line of the node's lists, which its holder writes; the shared array is one
// more line. What is inside slabs and arrays is in the costs: machine.work.slab_alloc and slab_free an
// object, slab_object one moved between an array and a slab, slab_copy one between two arrays, slab_grow a
// new slab, booked as `alloc`.
//
// Left out: alien caches; cache_reap(), which ages what is unused every 2 s; __GFP_THISNODE (the first slab that
// falls back is made before other nodes' free objects are looked for, not after); memory policies; colouring
// beyond its lock; debugging; the objects that hold management off the slab; that slabs of SLAB_DESTROY_BY_RCU
// (SLAB_TYPESAFE_BY_RCU) caches go a grace period later.
#pragma once

#include "models/locks/spinlock.hpp"
#include "models/pages/page_allocator.hpp"
#include "models/pages/slab_geometry.hpp"
#include "models/pages/slab_list.hpp"
#include "models/pages/slab_object.hpp"

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace mmsim {

class Scheduler;

struct SlabParameters {
  std::string version;
  std::int64_t limit, batchcount, shared;
  static void declare(Declaration& d, SlabParameters& p);
};
inline const DeclareParameters<SlabParameters> declared_slab_parameters;

/// What a slab cache is made on.
struct SlabMeans {
  Machine& machine;
  SpinLocks& locks;
  PageAllocator& pages;
  const Configuration& configuration;
};

/// A line of /proc/slabinfo.
struct SlabInfo {
  const char* name;
  std::uint64_t active_objs, num_objs; ///< those in arrays count as active
  std::uint32_t objsize, objperslab, pagesperslab;
  std::uint32_t limit, batchcount, sharedfactor;
  std::uint64_t active_slabs, num_slabs, sharedavail;
};

class KmemCache {
 public:
  /// cache_init_objs(): what is done to the pages of a new slab of a cache with a constructor.
  using Constructor = std::function<void(Core&, FrameNumber first)>;

  /// Throws InputError for a batch that is larger than the limit.
  KmemCache(const SlabMeans& means, const SlabSpec& spec, Constructor constructor = {});

  /// kmem_cache_alloc(): no_object if there is no memory. With gfp_wait it may sleep.
  [[nodiscard]] SlabObject alloc(Core& core, Gfp gfp = GFP_KERNEL);
  /// kmem_cache_free(). Throws Violation for what is not given out.
  void free(Core& core, SlabObject object);

  /// The first page of the slab that an object is in.
  FrameNumber frame_of(SlabObject object) const { return slabs_[object.value() >> shift_].frame; }

  /// do_drain(): the array of this CPU goes back into the slabs.
  void do_drain(Core& core);
  /// drain_array() of the nodes' shared arrays, then drain_freelist(): all free slabs go.
  void shrink(Core& core);

  /// Who may be running on another core after a sleep: without it, nobody sleeps.
  void connect(Scheduler& scheduler) { scheduler_ = &scheduler; }

  const SlabGeometry& geometry() const { return geometry_; }
  const SlabTuning& tuning() const { return tuning_; }
  /// free_limit of a node's lists.
  std::uint32_t free_limit(NodeId node) const { return nodes_[node.value()].free_limit; }
  /// Objects that callers have.
  std::uint64_t in_use() const { return in_use_; }
  /// SLAB_RECLAIM_ACCOUNT.
  bool reclaimable() const { return spec_.reclaimable; }
  /// Frames in its slabs.
  std::uint64_t frames() const { return slab_count_ << geometry_.order; }
  SlabInfo info() const;

  /// At a quiescent point: each object is in one place, counts and lists agree, frames are flagged. Throws
  /// Violation.
  void check_invariants() const;

 private:
  struct ArrayCache {
    std::uint32_t avail = 0;
    bool touched = false; ///< used since it was empty for the first time: batches are whole
  };
  struct Node {
    CacheLine line{"kmem_cache_node"};
    std::unique_ptr<SpinLock> list_lock;
    SlabList full{SlabState::full}, partial{SlabState::partial}, free{SlabState::free};
    std::uint32_t free_objects = 0, free_limit = 0;
    CacheLine shared_line{"shared array_cache"};
    std::vector<SlabObject> shared; ///< room for shared x batchcount
    std::uint32_t shared_avail = 0;
    bool falls_back = false; ///< its last new slab came from another node
  };
  // Links of free objects, or where the others are.
  static constexpr std::uint16_t end_of_list = 0xffff, with_caller = 0xfffe, in_array = 0xfffd;

  SlabObject* entries_of(const Core& core) { return &entries_[core.id().value() * tuning_.limit]; }
  std::uint32_t home_of(const Core& core) const { return homes_[core.id().value()]; }
  std::uint32_t first_of(std::uint32_t slab) const { return slab << shift_; }
  SlabList& list_of(Node& node, SlabState state);
  void enter(Core& core, Node& node);

  SlabObject refill(Core*& core, Gfp gfp);
  bool transfer_from_shared(Core& core, Node& node, std::uint32_t batch);
  void take_from_slabs(Core& core, Node& node, std::uint32_t batch);
  SlabObject pop(std::uint32_t slab);
  SlabObject take_one(Core& core, Node& node);
  SlabObject fallback_alloc(Core& core);
  std::uint32_t alloc_block(Core& core, std::uint32_t slab, std::uint32_t batch);
  std::uint32_t cache_grow(Core*& core, Gfp gfp, Node& node);
  void hand_in(Core& core, std::uint32_t slab);
  std::uint32_t new_slab(FrameNumber frame);

  void flush_array(Core& core);
  void free_foreign(Core& core, SlabObject object);
  void free_block(Core& core, Node& node, const SlabObject* objects, std::uint32_t count, SlabList& dying);
  void give_back_excess(Core& core, Node& node, std::uint32_t limit, SlabList& dying);
  void slabs_destroy(Core& core, SlabList& dying);
  void slab_destroy(Core& core, std::uint32_t slab);
  void account_slab_pages(Core& core, FrameNumber frame, std::int64_t pages);
  [[noreturn, gnu::cold]] void bad_free(SlabObject object) const;

  Machine& machine_;
  PageAllocator& pages_;
  Scheduler* scheduler_ = nullptr;
  const SlabSpec spec_;
  const SlabVersion version_;
  const SlabGeometry geometry_;
  const SlabTuning tuning_;
  const unsigned shift_; // of a slab's number in its objects' numbers
  const Constructor constructor_;

  std::vector<ArrayCache> arrays_;  // by core
  std::vector<SlabObject> entries_; // `limit` of each core
  std::vector<std::uint8_t> homes_; // node of each core
  std::deque<Node> nodes_;
  std::deque<Slab> slabs_;            // by number
  std::vector<std::uint16_t> links_;  // by object
  std::vector<std::uint32_t> unused_; // numbers of slabs that were given back
  std::uint64_t in_use_ = 0, slab_count_ = 0;
};

} // namespace mmsim
