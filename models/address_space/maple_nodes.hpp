// Nodes of maple trees, and the memory that they have.
//
//   nodes.prealloc(core, reserve, 7);       // mas_preallocate()
//   MapleNode& node = nodes.take(reserve);  // one of them joins a tree
//   nodes.retire(node);                     // it has left its tree, but readers may still be in it
//   nodes.settle(core, rcu, reserve);       // mas_destroy(): what is left goes back, what has retired by RCU
//
// Models struct maple_node of include/linux/maple_tree.h, 6.1: 256 bytes, as maple_leaf_64 (16 slots with 15
// pivots: areas and the empty ranges between them) or maple_arange_64 (10 slots with 9 pivots and the widest
// empty range below each), and where lib/maple_tree.c gets them: kmem_cache maple_node, freed by call_rcu(),
// one by one (ma_free_rcu()), those of a tree that ends by one callback (mt_destroy_walk()).
#pragma once

#include "models/locks/rcu_callbacks.hpp"
#include "models/pages/slab_object.hpp"

#include <array>
#include <cstdint>
#include <deque>
#include <vector>

namespace mmsim {

struct LinkedVma;
class KmemCache;
class Rcu;
class MapleNodes;

/// A range of pages from the one after the slot before to `last`, as a slot of a leaf or of an inner node has
/// it.
struct MapleSlot {
  std::uint64_t last; ///< the pivot; that of a node's last slot is implied by its parent's
  void* entry;        ///< an area, or null; or a node
  std::uint64_t gap;  ///< of an inner node's: the widest empty range below
};

struct MapleNode final : RcuCallback {
  static constexpr int leaf_slots = 16, inner_slots = 10; // MAPLE_RANGE64_SLOTS, MAPLE_ARANGE64_SLOTS
  static constexpr int leaf_least = 6, inner_least = 4;   // mt_min_slots

  bool leaf = true;
  std::uint8_t slots = 0;
  std::array<MapleSlot, leaf_slots> slot;

  int capacity() const { return leaf ? leaf_slots : inner_slots; }
  int least() const { return leaf ? leaf_least : inner_least; }
  MapleNode& child(int i) const { return *static_cast<MapleNode*>(slot[static_cast<std::size_t>(i)].entry); }

  void run(Core& core) override;

 private:
  friend class MapleNodes;
  MapleNodes* home_ = nullptr;
  SlabObject object_ = no_object;
  MapleNode* dies_with_ = nullptr; // freed by the same callback
};

/// Nodes got for one change of one tree, and those that it has taken out. Belongs to the tree.
struct MapleReserve {
  std::vector<SlabObject> objects;
  std::vector<MapleNode*> retired;
};

class MapleNodes {
 public:
  /// Without a cache nodes have no memory.
  explicit MapleNodes(KmemCache* cache) : cache_(cache) {}

  /// Until the reserve has so many, or there is no memory. May sleep.
  void prealloc(Core& core, MapleReserve& reserve, int nodes);
  MapleNode& take(MapleReserve& reserve, bool leaf);
  /// `together`: with the one before, as a tree that ends.
  void settle(Core& core, Rcu& rcu, MapleReserve& reserve, bool together);
  /// At the end of the world: nobody pays.
  void forget(MapleNode& node) { free_.push_back(&node); }

  /// Nodes with memory that are in trees or wait for RCU.
  std::uint64_t with_memory() const { return with_memory_; }

 private:
  friend struct MapleNode;
  KmemCache* const cache_;
  std::deque<MapleNode> all_;
  std::vector<MapleNode*> free_;
  std::uint64_t with_memory_ = 0;
};

} // namespace mmsim
