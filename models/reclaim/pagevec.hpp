// A short array of pages on their way somewhere: it turns a lock a page into a lock an array.
//
//   if (pagevec.add(frame, size) == 0) ...   // no room for another one: empty it
//
// Models struct pagevec of include/linux/pagevec.h (2.6.24 and 5.10). Left out: `cold`.
#pragma once

#include "models/pages/frame.hpp"

#include <array>
#include <cassert>
#include <cstdint>
#include <span>

namespace mmsim {

class Pagevec {
 public:
  static constexpr std::uint32_t max_size =
      32; ///< SWAP_CLUSTER_MAX. PAGEVEC_SIZE: 14 in 2.6.24, 15 in 5.10, 31 in 6.10

  /// pagevec_add(): how many more fit, of `size`.
  std::uint32_t add(FrameNumber frame, std::uint32_t size) {
    assert(count_ < size);
    frames_[count_++] = frame;
    return size - count_;
  }
  std::uint32_t count() const { return count_; }
  std::span<FrameNumber> frames() { return {frames_.data(), count_}; }
  std::span<const FrameNumber> frames() const { return {frames_.data(), count_}; }
  /// pagevec_reinit().
  void reinit() { count_ = 0; }

 private:
  std::uint32_t count_ = 0;
  std::array<FrameNumber, max_size> frames_{};
};

} // namespace mmsim
