// What object-based reverse maps find areas of anonymous pages by.
//
//   AnonVma& made = anon_vmas.take(core.id(), object); // the anon_vma in that object, which nobody has yet
//   anon_vmas.give_back(core.id(), made);
//
// Models struct anon_vma of include/linux/rmap.h: in 2.6.7 to 2.6.33 (kernel.rmap = "anon_vma") a lock and the list of all
// areas of a family of forks; since 2.6.34 ("anon_vma_chain") one for each process of it, with the root's lock
// (a spinlock before 3.1, a mutex to 3.7, here the rw_semaphore since), counts, and the areas in an interval tree (since
// 3.7; a list before), each by a link that area and anon_vma share: struct anon_vma_chain.
//
// Left out: that an anon_vma's memory stays an anon_vma's for a grace period (SLAB_DESTROY_BY_RCU): here its object is free
// at once, and those of the host are never anything else, so that who comes too late still finds a lock.
#pragma once

#include "models/address_space/vma.hpp"
#include "models/locks/last_used_here.hpp"
#include "models/locks/rw_semaphore.hpp"
#include "models/locks/spinlock.hpp"
#include "models/pages/slab_object.hpp"

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

namespace mmsim {

/// struct anon_vma_chain: an area is among those of an anon_vma.
class AnonVmaChain {
 public:
  Vma* vma = nullptr;
  AnonVma* anon_vma = nullptr;
  AnonVmaChain *next = nullptr, *previous = nullptr; ///< same_vma: the newest first
  IntervalNode<AnonVmaChain> rb;                     ///< in anon_vma->areas
  SlabObject object = no_object;
};

class AnonVma {
 public:
  CacheLine line{"anon_vma"};
  SlabObject object = no_object;

  // kernel.rmap = "anon_vma".
  std::unique_ptr<SpinLock> lock;
  Vma *first = nullptr, *last = nullptr; ///< head: areas in the order in which they came
  std::uint32_t listed = 0;              ///< for checks: how many

  // kernel.rmap = "anon_vma_chain".
  std::unique_ptr<RwSemaphore> rwsem; ///< the root's guards all
  AnonVma *root = this, *parent = this;
  std::uint32_t degree = 0;   ///< areas whose own it is, and anon_vmas whose parent it is; of a root one more
  std::uint32_t refcount = 0; ///< of a root also one for each other anon_vma below it, and whoever walks
  IntervalTree<AnonVmaChain> areas;
};

/// Objects of the host, used again and again, as those of the slab cache that they stand for.
template <class T>
class RmapPool {
 public:
  T& take(CoreId core, SlabObject object) {
    T* const used = free_.take(core);
    T& taken = used != nullptr ? *used : all_.emplace_back();
    taken.object = object;
    return taken;
  }
  void give_back(CoreId core, T& gone) {
    gone.object = no_object;
    free_.put(core, gone);
  }
  std::size_t live() const { return all_.size() - free_.size(); }

 private:
  std::deque<T> all_;
  LastUsedHere<T> free_;
};

} // namespace mmsim
