// Host objects that stand for what the kernel takes from per-CPU lists (slab arrays, pages), used again and again.
//
//   LastUsedHere<AnonVma> spare;
//   spare.put(core.id(), gone);              // when the kernel frees it
//   AnonVma* again = spare.take(core.id());  // null: there is none, make one
//
// A cache line that such an object has (its lock's) keeps its owner. So that it comes back to the core that had it, as the
// kernel's object or page does, a core gets what it has given back itself, the last one first. If there is none it gets a new
// one, as from a fresh slab; what another core gave back only where so many lie about that the host's memory would grow
// without end (one core makes what another one frees): then the line is fetched from there.
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
  /// Null: the caller makes a new one.
  T* take(CoreId core) {
    std::size_t index = core.value();
    if (index >= by_core_.size() || by_core_[index].empty()) {
      if (size_ <= kept_a_core * by_core_.size()) return nullptr;
      for (index = 0; by_core_[index].size() <= kept_a_core;)
        ++index;
    }
    T* const taken = by_core_[index].back();
    by_core_[index].pop_back();
    --size_;
    return taken;
  }
  std::size_t size() const { return size_; }

 private:
  static constexpr std::size_t kept_a_core = 16;
  std::vector<std::vector<T*>> by_core_;
  std::size_t size_ = 0;
};

} // namespace mmsim
