#include "models/address_space/vma_trees.hpp"

#include <spdlog/fmt/fmt.h>

namespace mmsim {

void MmapLayoutParameters::declare(Declaration& d, MmapLayoutParameters& p) {
  d("kernel.mmap_layout", p.layout, "top_down",
    "where mmap() looks for room: downwards from below the stack, or upwards from a third of the address "
    "space",
    "arm64 arch_pick_mmap_layout() since 3.7: mmap_base; 32-bit Arm before 2.6.35: TASK_UNMAPPED_BASE")
      .one_of({"top_down", "bottom_up"});
}

VmaTrees::VmaTrees(const Configuration& configuration, std::uint64_t stack_guard_gap, SlabCaches& slabs,
                   SpinLocks& locks, Scheduler& scheduler)
    : parameters_(read_parameters<VmaTreeParameters>(configuration)),
      top_down_(read_parameters<MmapLayoutParameters>(configuration).layout == "top_down"),
      stack_guard_gap_(stack_guard_gap),
      tree_factory_(Registry<VmaTree>::instance().factory(parameters_.tree)),
      cache_factory_(
          Registry<VmaCache>::instance().factory(read_parameters<VmaCacheParameters>(configuration).cache)) {
  const bool maple = parameters_.tree == "maple";
  if (const auto cache = read_parameters<VmaCacheParameters>(configuration).cache; maple && cache != "none")
    throw InputError(fmt::format("kernel.vma_cache = \"{}\" stands in front of an rbtree; kernel.vma_tree = "
                                 "\"maple\" has none: set kernel.vma_cache = \"none\"",
                                 cache),
                     configuration.last_written({"kernel.vma_tree", "kernel.vma_cache"}));
  if (!maple && top_down_ && parameters_.gap_search == "free_area_cache")
    throw InputError(
        "kernel.vma_gap_search = \"free_area_cache\" searches upwards only: set kernel.mmap_layout = "
        "\"bottom_up\"",
        configuration.last_written({"kernel.vma_gap_search", "kernel.mmap_layout", "kernel.vma_tree"}));
  if (maple) {
    node_cache_ = &slabs.kmem_cache_create({.name = "maple_node", .size = 256, .hwcache_align = true});
    nodes_.emplace(node_cache_);
  }
  if (!read_parameters<VmaLockParameters>(configuration).vma_lock) return;
  if (!maple)
    throw InputError(fmt::format("kernel.vma_lock = true needs areas that can be found without mmap_lock: "
                                 "kernel.vma_tree = \"maple\", not \"{}\"",
                                 parameters_.tree),
                     configuration.last_written({"kernel.vma_lock", "kernel.vma_tree"}));
  // struct vma_lock: an rw_semaphore
  locks_.emplace(slabs.kmem_cache_create({.name = "vma_lock", .size = 40}), slabs.vm_area_struct, areas_,
                 locks, scheduler);
}

std::unique_ptr<VmaTree> VmaTrees::make_tree() {
  return tree_factory_({areas_, nodes_ ? &*nodes_ : nullptr, parameters_, stack_guard_gap_});
}

} // namespace mmsim
