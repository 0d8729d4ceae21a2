#include "models/operations/vma.hpp"

#include "models/operations/vma_lock.hpp"
#include "models/reclaim/file.hpp"

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

Vma* vm_area_alloc(System& system, Core& core, MmStruct& mm, const Vma& vma) {
  const SlabObject area = system.slabs.vm_area_struct.alloc(core, GFP_KERNEL);
  if (area == no_object) return nullptr;
  VmaLocks* locks = system.vma_trees.locks();
  SlabObject lock = no_object;
  if (locks != nullptr) {
    lock = locks->cache().alloc(core, GFP_KERNEL); // vma_lock_alloc()
    if (lock == no_object) {
      system.slabs.vm_area_struct.free(core, area);
      return nullptr;
    }
  }
  Vma& made = system.vma_trees.areas().take(vma);
  made.mm = &mm;
  made.object = area;
  made.lock = nullptr;
  if (locks != nullptr) {
    made.lock = &locks->take(lock);
    made.lock->area_object = area;
    made.lock->area = &made;
  }
  return &made;
}

void vm_area_free(System& system, Core& core, Vma& gone) {
  if (gone.lock == nullptr) {
    const SlabObject object = gone.object;
    system.vma_trees.areas().give_back(gone);
    system.slabs.vm_area_struct.free(core, object);
    return;
  }
  ++system.vma_trees.locks()->waiting_for_rcu;
  system.rcu().call(core, *gone.lock); // vm_area_free_rcu_cb()
}

// What a change costs is known once it is made; its end is when it can be seen, and nobody looks before
// mmap_lock is free, but for per-VMA locks: who has found the old state under RCU has to look again anyway.
void vma_link(System& system, Task& task, MmStruct& mm, Vma& made) {
  Core& core = task.core();
  if (!made.detached || made.mm != &mm)
    throw std::logic_error("an area is linked that vm_area_alloc() has not made");
  core.charge(core.costs().work.vma_insert, Account::work);
  mm.vmas.prealloc(core);
  core.settle();
  mm.vmas.insert_taken(made);
  core.charge(mm.vmas.change_cost(core), Account::work);
  mm.vmas.settle_nodes(core, system.rcu());
}

namespace {

void resize(MmStruct& mm, Vma& vma, PageNumber begin, PageNumber end) {
  vma.pgoff += begin.value() - vma.begin.value(); // modulo 2^64, either way
  mm.vmas.resize(vma, begin, end);
}

} // namespace

void vma_adjust(System& system, Task& task, MmStruct& mm, Vma& vma, PageNumber begin, PageNumber end) {
  vma_start_write(task, mm, vma);
  mm.vmas.prealloc(task.core()); // what may wait for reclaim comes before the locks that reclaim takes
  if (vma.file != nullptr) vma.file->begin_update(task, vma, nullptr);
  system.rmap->begin_update(task, vma, nullptr);
  Core& core = task.core();
  core.settle();
  resize(mm, vma, begin, end);
  system.rmap->end_update(task, vma, nullptr);
  if (vma.file != nullptr) vma.file->end_update(task, vma, nullptr);
  core.charge(mm.vmas.change_cost(core), Account::work);
  mm.vmas.settle_nodes(core, system.rcu());
}

void vma_shift_boundary(System& system, Task& task, MmStruct& mm, Vma& lower, Vma& upper,
                        PageNumber boundary) {
  vma_start_write(task, mm, lower);
  vma_start_write(task, mm, upper);
  mm.vmas.prealloc(task.core());
  if (lower.file != nullptr) lower.file->begin_update(task, lower, &upper);
  system.rmap->begin_update(task, lower, &upper);
  Core& core = task.core();
  core.settle();
  const bool up = boundary > lower.end;
  const auto resize_one = [&](bool low) {
    low ? resize(mm, lower, lower.begin, boundary) : resize(mm, upper, boundary, upper.end);
    return mm.vmas.change_cost(core);
  };
  const Duration shrunk = resize_one(!up), grown = resize_one(up);
  system.rmap->end_update(task, lower, &upper);
  if (lower.file != nullptr) lower.file->end_update(task, lower, &upper);
  core.charge(shrunk + grown, Account::work);
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

MmapRoom mmap_room(PageNumber task_size, bool top_down) {
  if (top_down) return {mmap_min_addr, task_size - min_gap};
  return {task_unmapped_base(task_size), task_size};
}

std::optional<PageNumber> arch_get_unmapped_area(System& system, Core& core, MmStruct& mm,
                                                 std::uint64_t pages, std::uint64_t alignment) {
  const PageNumber end = mm.tables.shape().end();
  const auto look = [&](bool top_down) {
    const auto [low, high] = mmap_room(end, top_down);
    return unmapped_area(
        core, mm, {.pages = pages, .low = low, .high = high, .alignment = alignment, .top_down = top_down});
  };
  if (system.vma_trees.top_down())
    if (const auto found = look(true)) return found;
  return look(false);
}

} // namespace mmsim
