// The lru_lock that a walk over pages holds: kept from page to page as long as they belong to the same lists,
// as pagevec_lru_move_fn() and release_pages() do.
//
//   LruHold hold(core);
//   for (const FrameNumber frame : frames)
//     hold.take(*vecs_[vec_of(frame)]).del(core, frame);
//   hold.drop();
//
// No destructor drops it: dropping takes simulated time, and a run that ends by an exception has none left.
#pragma once

#include "models/reclaim/lru_vec.hpp"

#include <utility>

namespace mmsim {

class LruHold {
 public:
  explicit LruHold(Core& core) : core_(core) {}
  /// The same lists, with their lock held, and no other lists' lock.
  LruVec& take(LruVec& vec) {
    if (held_ == &vec) return vec;
    drop();
    vec.lock(core_);
    held_ = &vec;
    return vec;
  }
  bool of(const LruVec& vec) const { return held_ == &vec; }
  bool any() const { return held_ != nullptr; }
  void drop() {
    if (LruVec* const vec = std::exchange(held_, nullptr)) vec->unlock(core_);
  }

 private:
  Core& core_;
  LruVec* held_ = nullptr;
};

} // namespace mmsim
