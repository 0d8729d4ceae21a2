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

// What a change costs is known once it is made; its end is when it can be seen, and nobody looks before
// mmap_lock is free, but for per-VMA locks: who has found the old state under RCU has to look again anyway.
Vma& vma_link(System& system, Task& task, MmStruct& mm, const Vma& vma) {
  Core& core = task.core();
  if (system.vma_trees.locks() != nullptr && (vma.lock == nullptr || vma.lock->area != nullptr))
    throw std::logic_error("an area is linked that vm_area_alloc() has not made");
  core.charge(core.costs().work.vma_insert, Account::work);
  mm.vmas.prealloc(core);
  core.settle();
  Vma& linked = mm.vmas.insert(vma);
  linked.mm = &mm;
  if (linked.lock != nullptr) linked.lock->area = &linked;
  core.charge(mm.vmas.change_cost(core), Account::work);
  mm.vmas.settle_nodes(core, system.rcu());
  return linked;
}

void vma_adjust(System& system, Task& task, MmStruct& mm, Vma& vma, PageNumber begin, PageNumber end) {
  vma_start_write(task, mm, vma);
  Core& core = task.core();
  mm.vmas.prealloc(core);
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
  mm.vmas.prealloc(core);
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

namespace {

// MIN_GAP of arm64's mmap_base(): 128 MiB.
constexpr std::uint64_t min_gap = 32768;

// TASK_UNMAPPED_BASE: a third up on 32-bit Arm, a quarter on arm64. The heap (brk) is below it.
PageNumber task_unmapped_base(PageNumber task_size) {
  constexpr std::uint64_t four_gib{1 << 20}, table{TablePage::entries};
  const std::uint64_t base = task_size.value() / (task_size.value() < four_gib ? 3 : 4);
  return PageNumber((base + table - 1) / table * table);
}

// vm_unmapped_area(), past what is withheld.
std::optional<PageNumber> unmapped_area(Core& core, MmStruct& mm, GapRequest request) {
  for (;;) {
    const std::optional<PageNumber> found = mm.vmas.find_gap(request);
    charge_levels(core, mm.vmas);
    if (!found || mm.withheld.empty()) return found;
    const PageNumber past = mm.withheld.past(*found, request.pages);
    if (past == *found) return found;
    if (request.top_down)
      request.high = mm.withheld.below(*found, request.pages);
    else
      request.low = past;
  }
}

} // namespace

std::optional<PageNumber> arch_get_unmapped_area(System& system, Core& core, MmStruct& mm,
                                                 std::uint64_t pages, std::uint64_t alignment) {
  const PageNumber end = mm.tables.shape().end();
  if (system.vma_trees.top_down() && min_gap < end.value()) {
    const auto found = unmapped_area(core, mm,
                                     {.pages = pages,
                                      .low = mmap_min_addr,
                                      .high = end - min_gap,
                                      .alignment = alignment,
                                      .top_down = true});
    if (found) return found;
  }
  return unmapped_area(core, mm,
                       {.pages = pages, .low = task_unmapped_base(end), .high = end, .alignment = alignment});
}

} // namespace mmsim
