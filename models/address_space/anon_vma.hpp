// What the areas of a family of processes have in common whose pages may be shared by copy on write.
//
//   if (vma.anon_vma == nullptr) anon_vma_prepare(...)       // operations/anon_vma.hpp: at the first fault
//   vma.anon_vma->link(core);                                // fork: the child's area joins
//   if (vma.anon_vma->unlink(core)) ...                      // the last area has gone: free it
//
// Models struct anon_vma of 2.6.24 as far as it lives and dies: one for an area and all copies that fork
// makes of it. Its lock and list of areas are one count on a line that each of them writes. Left out: the
// reverse map itself, for which pages would have to name it; sharing between neighbouring areas
// (find_mergeable_anon_vma); that 5.10 gives every child one of its own too, and a chain (anon_vma_chain,
// 2.6.34).
#pragma once

#include "models/pages/slab_object.hpp"
#include "sim/machine/core.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

namespace mmsim {

class AnonVma {
 public:
  /// anon_vma_link(): another area.
  void link(Core& core) {
    core.rmw(line_);
    ++areas_;
  }
  /// anon_vma_unlink(): true if no area is left.
  bool unlink(Core& core) {
    core.rmw(line_);
    return --areas_ == 0;
  }
  /// anon_vma_interval_tree_pre_update_vma() and _post_update_vma() under its lock: an area's ends move.
  void update(Core& core) { core.rmw(line_); }
  std::uint32_t areas() const { return areas_; }
  SlabObject object() const { return object_; }

 private:
  friend class AnonVmaPool;
  CacheLine line_{"anon_vma"};
  std::uint32_t areas_ = 0;
  SlabObject object_ = no_object;
};

/// What the host keeps of each, used again and again.
class AnonVmaPool {
 public:
  /// The anon_vma in `object`, which no area has yet.
  AnonVma& take(SlabObject object) {
    if (free_.empty()) free_.push_back(&all_.emplace_back());
    AnonVma& taken = *free_.back();
    free_.pop_back();
    taken.object_ = object;
    taken.areas_ = 0;
    return taken;
  }
  void give_back(AnonVma& anon_vma) { free_.push_back(&anon_vma); }
  std::size_t live() const { return all_.size() - free_.size(); }

 private:
  std::deque<AnonVma> all_;
  std::vector<AnonVma*> free_;
};

} // namespace mmsim
