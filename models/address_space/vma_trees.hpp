// What the areas of all address spaces have in common: which tree, which cache in front of it, where mmap()
// looks for room, and the memory of nodes.
//
//   VmaTrees trees(configuration, stack_guard_gap, slabs, locks, scheduler);   // may throw InputError
//   std::unique_ptr<VmaTree> tree = trees.make_tree(); // for a new mm
//
// kernel.mmap_layout is where the search for a free range begins, as arch_pick_mmap_layout() decides:
// - top_down: below mmap_base, which leaves 128 MiB at the top for the stack (arm64: MIN_GAP), downwards; if
//   there is no room, upwards from a quarter of the address space (arch_get_unmapped_area_topdown());
// - bottom_up: upwards from TASK_UNMAPPED_BASE, a third of the address space (32-bit Arm).
// Left out: randomisation, and the stack's real limit where it is larger.
#pragma once

#include "models/address_space/maple_nodes.hpp"
#include "models/address_space/vma_cache.hpp"
#include "models/address_space/vma_lock.hpp"
#include "models/address_space/vma_tree.hpp"
#include "models/pages/slab_caches.hpp"

#include <memory>
#include <optional>

namespace mmsim {

struct MmapLayoutParameters {
  std::string layout;
  static void declare(Declaration& d, MmapLayoutParameters& p);
};
inline const DeclareParameters<MmapLayoutParameters> declared_mmap_layout_parameters;

class VmaTrees {
 public:
  VmaTrees(const Configuration& configuration, std::uint64_t stack_guard_gap, SlabCaches& slabs,
           SpinLocks& locks, Scheduler& scheduler);

  std::unique_ptr<VmaTree> make_tree();
  /// Where areas come from and go to: vm_area_alloc(), vm_area_free().
  VmaPool& areas() { return areas_; }
  std::unique_ptr<VmaCache> make_cache(const MmStruct& mm) const { return cache_factory_(mm); }

  bool top_down() const { return top_down_; }
  /// kernel.vma_lock: null if faults take mmap_lock.
  VmaLocks* locks() { return locks_ ? &*locks_ : nullptr; }
  bool has_locks() const { return locks_.has_value(); }
  /// Nodes of maple trees that have memory; none with another tree.
  const MapleNodes* maple_nodes() const { return nodes_ ? &*nodes_ : nullptr; }
  const KmemCache* maple_node_cache() const { return node_cache_; }

 private:
  const VmaTreeParameters parameters_;
  const bool top_down_;
  const std::uint64_t stack_guard_gap_;
  const VmaTree::Factory& tree_factory_;
  const VmaCache::Factory& cache_factory_;
  VmaPool areas_;
  KmemCache* node_cache_ = nullptr;
  std::optional<MapleNodes> nodes_;
  std::optional<VmaLocks> locks_;
};

} // namespace mmsim
