// Per-VMA locks: a fault that needs only its area does not touch mmap_lock.
//
//   mm.mmap_lock.down_write(task);            // a writer of areas
//   vma_start_write(task, mm, vma);           // before it changes one: waits for faults that are in it
//   mm.mmap_lock.up_write(task);              // ends all of these at once: vma_end_write_all()
//
//   Vma* vma = lock_vma_under_rcu(system, task, mm, page);   // a fault; null: take mmap_lock
//   if (vma != nullptr) { ...; vma_end_read(task, *vma); }
//
// Models CONFIG_PER_VMA_LOCK of 6.4 (include/linux/mm.h vma_start_read() to vma_start_write(), mm/memory.c
// lock_vma_under_rcu()): an area is locked for writing if its vm_lock_seq is mm->mm_lock_seq, which only
// moves on when mmap_lock stops being held for writing, so that one store unlocks all areas that the writer
// has locked. vm_lock is an rw_semaphore in an object of its own (kmem_cache vma_lock), so that the area's
// own line, which every fault reads, is not the one that every fault writes. Areas and their locks are freed
// by RCU (vm_area_free()), as a fault may have found an area that has just left the tree: `detached` tells
// it.
//
// Left out: userfaultfd; areas that are locked from their insertion on where nobody could see them yet.
#pragma once

#include "models/address_space/vma.hpp"
#include "models/locks/rcu_callbacks.hpp"
#include "models/locks/rw_semaphore.hpp"
#include "models/pages/slab_object.hpp"
#include "sim/engine/parameter.hpp"
#include "sim/machine/cache_line.hpp"

#include <cstdint>
#include <deque>
#include <vector>

namespace mmsim {

class KmemCache;
class VmaPool;

struct VmaLockParameters {
  bool vma_lock;
  static void declare(Declaration& d, VmaLockParameters& p);
};
inline const DeclareParameters<VmaLockParameters> declared_vma_lock_parameters;

/// mmap_lock, whose end of writing unlocks all areas: mmap_write_unlock() and mmap_write_downgrade(). No
/// RwSemaphore to others, who might not do that.
class MmapLock : private RwSemaphore {
 public:
  using RwSemaphore::describe;
  using RwSemaphore::down_read;
  using RwSemaphore::down_read_trylock;
  using RwSemaphore::down_write;
  using RwSemaphore::down_write_nested;
  using RwSemaphore::held_for_writing;
  using RwSemaphore::held_for_writing_by;
  using RwSemaphore::line;
  using RwSemaphore::readers;
  using RwSemaphore::up_read;
  using RwSemaphore::waiters;

  MmapLock(SpinLocks& locks, Scheduler& scheduler, bool per_vma)
      : RwSemaphore(locks, scheduler, "mmap_lock"), per_vma_(per_vma) {}

  void up_write(Task& task) {
    if (per_vma_) vma_end_write_all(task);
    RwSemaphore::up_write(task);
  }
  void downgrade_write(Task& task) {
    if (per_vma_) vma_end_write_all(task);
    RwSemaphore::downgrade_write(task);
  }

  /// mm_lock_seq. Read and changed where its line has been accessed.
  CacheLine& seq_line() { return seq_line_; }
  std::uint64_t mm_lock_seq() const { return mm_lock_seq_; }

 private:
  void vma_end_write_all(Task& task);

  const bool per_vma_;
  CacheLine seq_line_{"mm_lock_seq"};
  std::uint64_t mm_lock_seq_ = 0;
};

class VmaLocks;

/// What an area has for it: its vm_lock, and its way to be freed by RCU.
struct VmaLock final : RcuCallback {
  VmaLock(VmaLocks& home, SpinLocks& locks, Scheduler& scheduler)
      : vm_lock(locks, scheduler, "vma_lock"), home(home) {}

  RwSemaphore vm_lock;
  CacheLine vma_line{"vm_area_struct"}; ///< the area itself: vm_lock_seq, vm_start, vm_end
  std::uint64_t vm_lock_seq = 0;        ///< ~0: never locked for writing
  Vma* area = nullptr;                  ///< whose it is
  SlabObject object = no_object, area_object = no_object;

  void run(Core& core) override; ///< vm_area_free_rcu_cb()

 private:
  VmaLocks& home;
};

/// Locks of the host, used again and again.
class VmaLocks {
 public:
  VmaLocks(KmemCache& vma_locks, KmemCache& areas, VmaPool& pool, SpinLocks& locks, Scheduler& scheduler)
      : cache_(vma_locks), area_cache_(areas), pool_(pool), locks_(locks), scheduler_(scheduler) {}

  VmaLock& take(SlabObject object);
  /// __vm_area_free(): the area's memory, its lock and itself.
  void free(Core& core, VmaLock& lock);
  /// Locks that somebody has, or that wait for RCU; those of them with memory.
  std::uint64_t live() const { return all_.size() - free_.size(); }
  std::uint64_t waiting_for_rcu = 0; ///< areas with memory that have left their trees
  KmemCache& cache() { return cache_; }

 private:
  KmemCache& cache_;
  KmemCache& area_cache_;
  VmaPool& pool_;
  SpinLocks& locks_;
  Scheduler& scheduler_;
  std::deque<VmaLock> all_;
  std::vector<VmaLock*> free_;
};

} // namespace mmsim
