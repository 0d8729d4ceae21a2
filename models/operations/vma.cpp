#include "models/operations/vma.hpp"

#include "models/operations/vma_lock.hpp"

#include <stdexcept>
#include <utility>

namespace mmsim {

namespace {

void charge_levels(Core& core, const VmaTree& tree) {
  core.charge(tree.levels_walked() * tree.level_cost(core), Account::work);
}

} // namespace

Vma* find_vma(Task& task, MmStruct& mm, PageNumber page) {
  if (Vma* vma = mm.vma_cache->find(task, page)) return vma;
  Vma* vma = mm.vmas.find(page);
  charge_levels(task.core(), mm.vmas);
  if (vma != nullptr) mm.vma_cache->update(task, page, *vma);
  return vma;
}

bool vm_area_alloc(System& system, Core& core, Vma& vma) {
  vma.lock = nullptr;
  vma.detached = false;
  vma.object = system.slabs.vm_area_struct.alloc(core, GFP_KERNEL);
  VmaLocks* locks = system.vma_trees.locks();
  if (vma.object == no_object || locks == nullptr) return vma.object != no_object;
  const SlabObject object = locks->cache().alloc(core, GFP_KERNEL); // vma_lock_alloc()
  if (object == no_object) {
    system.slabs.vm_area_struct.free(core, std::exchange(vma.object, no_object));
    return false;
  }
  vma.lock = &locks->take(object);
  vma.lock->area_object = vma.object;
  return true;
}

void vm_area_free(System& system, Core& core, const Vma& gone) {
  if (gone.lock == nullptr) {
    system.slabs.vm_area_struct.free(core, gone.object);
    return;
  }
  ++system.vma_trees.locks()->waiting_for_rcu;
  system.rcu().call(core, *gone.lock); // vm_area_free_rcu_cb()
}

bool vma_prealloc(Core& core, MmStruct& mm) { return mm.vmas.prealloc(core); }

// What a change costs is known once it is made; its end is when it can be seen, and nobody looks before mmap_lock is
// free, but for per-VMA locks: who has found the old state under RCU has to look again anyway.
Vma& vma_link(System& system, Task& task, MmStruct& mm, const Vma& vma) {
  Core& core = task.core();
  if (system.vma_trees.locks() != nullptr && (vma.lock == nullptr || vma.lock->area != nullptr))
    throw std::logic_error("an area is linked that vm_area_alloc() has not made");
  core.charge(core.costs().work.vma_insert, Account::work);
  core.settle();
  Vma& linked = mm.vmas.insert(vma);
  if (linked.lock != nullptr) linked.lock->area = &linked;
  core.charge(mm.vmas.change_cost(core), Account::work);
  mm.vmas.settle_nodes(core, system.rcu());
  return linked;
}

void vma_adjust(System& system, Task& task, MmStruct& mm, Vma& vma, PageNumber begin, PageNumber end) {
  vma_start_write(task, mm, vma);
  Core& core = task.core();
  core.charge(core.costs().work.vma_insert, Account::work);
  core.settle();
  mm.vmas.resize(vma, begin, end);
  core.charge(mm.vmas.change_cost(core), Account::work);
  mm.vmas.settle_nodes(core, system.rcu());
}

void vma_unlink(System& system, Task& task, MmStruct& mm, Vma& vma) {
  vma_start_write(task, mm, vma);
  Core& core = task.core();
  core.charge(core.costs().work.vma_remove, Account::work);
  mm.vma_cache->invalidate(core);
  core.settle();
  mm.vmas.erase(vma);
  core.charge(mm.vmas.change_cost(core), Account::work);
  mm.vmas.settle_nodes(core, system.rcu());
}

void vma_tree_destroy(System& system, Core& core, MmStruct& mm) {
  for (Vma& vma : mm.vmas) { // remove_vma()
    core.charge(core.costs().work.vma_remove, Account::work);
    if (vma.lock != nullptr)
      system.vma_trees.locks()->free(core, *std::exchange(vma.lock, nullptr));
    else
      system.slabs.vm_area_struct.free(core, vma.object);
  }
  mm.vmas.clear();
  mm.vmas.settle_nodes(core, system.rcu());
}

// Where user memory begins: the first 2 MiB stay empty, as mmap_min_addr and the executable's base have it.
static constexpr PageNumber lowest_page{512};
// MIN_GAP of arm64's mmap_base(): 128 MiB.
static constexpr std::uint64_t min_gap = 32768;

std::optional<PageNumber> get_unmapped_area(System& system, Core& core, MmStruct& mm, std::uint64_t pages,
                                            std::uint64_t alignment) {
  const PageNumber end = mm.tables.shape().end();
  GapRequest request{.pages = pages, .low = lowest_page, .high = end, .alignment = alignment};
  const auto search = [&] {
    const auto found = mm.vmas.find_gap(request);
    charge_levels(core, mm.vmas);
    return found;
  };
  if (system.vma_trees.top_down()) {
    request.top_down = true;
    request.high = end - min_gap;
    if (const auto found = search()) return found;
    request.top_down = false;
    request.low = PageNumber(end.value() / 4); // TASK_UNMAPPED_BASE of arm64
    request.high = end;
  } else {
    request.low = PageNumber(end.value() / 3);
  }
  return search();
}

} // namespace mmsim
