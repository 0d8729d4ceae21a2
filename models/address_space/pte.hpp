// A page-table word: what the hardware walks and what a TLB entry is a copy of.
//
// 64 bits: valid, writable, a 32-bit frame number and a 24-bit generation that changes with every write, so
// that an entry that was cleared and set again to the same frame is not taken for the old one. Descriptor
// formats of real machines, access and dirty bits are left out.
#pragma once

#include "sim/engine/strong_int.hpp"

#include <cstdint>

namespace mmsim {

class Pte {
 public:
  constexpr Pte() = default;
  constexpr explicit Pte(std::uint64_t word) : word_(word) {}

  constexpr bool valid() const { return word_ & valid_bit; }
  constexpr bool writable() const { return word_ & writable_bit; }
  constexpr FrameNumber frame() const {
    return FrameNumber(static_cast<std::uint32_t>(word_ >> frame_shift));
  }
  constexpr std::uint64_t word() const { return word_; }

  /// The words that replace this one: each starts a new generation.
  constexpr Pte mapped(FrameNumber frame, bool writable) const {
    return Pte(next_generation() | std::uint64_t{frame.value()} << frame_shift |
               (writable ? writable_bit : 0) | valid_bit);
  }
  constexpr Pte cleared() const { return Pte(next_generation()); }
  constexpr Pte with_writable(bool writable) const { return mapped(frame(), writable); }

 private:
  static constexpr std::uint64_t valid_bit = 1, writable_bit = 2;
  static constexpr int frame_shift = 8, generation_shift = 40;
  constexpr std::uint64_t next_generation() const {
    return ((word_ >> generation_shift) + 1) << generation_shift; // 24 bits: wraps by falling off the top
  }
  std::uint64_t word_ = 0;
};

} // namespace mmsim
