#include "models/address_space/vma_lock.hpp"

#include "models/address_space/vma_tree.hpp"
#include "models/pages/slab.hpp"
#include "models/scheduler/task.hpp"

#include <utility>

namespace mmsim {

void VmaLockParameters::declare(Declaration& d, VmaLockParameters& p) {
  d("kernel.vma_lock", p.vma_lock, false,
    "faults lock their area alone, not mmap_lock; only with kernel.vma_tree = \"maple\"",
    "CONFIG_PER_VMA_LOCK since 6.4 on arm64, x86 and powerpc");
}

void MmapLock::vma_end_write_all(Task& task) {
  task.core().write(seq_line_);
  ++mm_lock_seq_;
}

void VmaLock::run(Core& core) {
  --home.waiting_for_rcu;
  home.free(core, *this);
}

VmaLock& VmaLocks::take(SlabObject object) {
  if (free_.empty()) free_.push_back(&all_.emplace_back(*this, locks_, scheduler_));
  VmaLock& lock = *free_.back();
  free_.pop_back();
  lock.object = object;
  lock.area = nullptr;
  lock.vm_lock_seq = ~std::uint64_t{0};
  return lock;
}

void VmaLocks::free(Core& core, VmaLock& lock) {
  Vma* area = std::exchange(lock.area, nullptr);
  const SlabObject object = std::exchange(lock.object, no_object),
                   memory = std::exchange(lock.area_object, no_object);
  free_.push_back(&lock);
  if (area != nullptr && area->detached) pool_.give_back(*area);
  if (object != no_object) cache_.free(core, object);
  if (memory != no_object) area_cache_.free(core, memory);
}

} // namespace mmsim
