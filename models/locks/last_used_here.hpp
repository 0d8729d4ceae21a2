// Host objects that stand for what the kernel takes from per-CPU lists (slab arrays, pages), used again and again.
//
//   LastUsedHere<AnonVma> spare;
//   spare.put(core.id(), gone);              // when the kernel frees it
//   AnonVma* again = spare.take(core.id());  // null: there is none, make one
//
// A cache line that such an object has (its lock's) keeps its owner. So that it comes back to the core that had it, as the
// kernel's object or page does, a core first gets what it has given back itself, the last one first; and what another core
// gave back only if it has none: then the line is fetched from there, as that of an object that went through the node's
// lists is.
#pragma once

#include "sim/engine/strong_int.hpp"

#include <cstddef>
#include <vector>

namespace mmsim {

template <class T>
class LastUsedHere {
 public:
  void put(CoreId core, T& gone) {
    const std::size_t index = core.value();
    if (index >= by_core_.size()) by_core_.resize(index + 1);
    by_core_[index].push_back(&gone);
    ++size_;
  }
  /// Null if there is none at all.
  T* take(CoreId core) {
    if (size_ == 0) return nullptr;
    std::size_t index = core.value() < by_core_.size() ? core.value() : 0;
    while (by_core_[index].empty())
      index = (index + 1) % by_core_.size();
    T* const taken = by_core_[index].back();
    by_core_[index].pop_back();
    --size_;
    return taken;
  }
  std::size_t size() const { return size_; }

 private:
  std::vector<std::vector<T*>> by_core_;
  std::size_t size_ = 0;
};

} // namespace mmsim
