// A place in a swap area: swp_entry_t.
#pragma once

#include <cstdint>

namespace mmsim {

/// Area and slot. Slot 0 of an area is its header, so that zero is no entry.
class SwapEntry {
 public:
  constexpr SwapEntry() = default;
  constexpr SwapEntry(std::uint32_t type, std::uint32_t offset) : word_(type << offset_bits | offset) {}
  static constexpr SwapEntry of_word(std::uint32_t word) {
    SwapEntry entry;
    entry.word_ = word;
    return entry;
  }
  /// swp_type(): which area.
  constexpr std::uint32_t type() const { return word_ >> offset_bits; }
  /// swp_offset(): its slot there.
  constexpr std::uint32_t offset() const { return word_ & ((1U << offset_bits) - 1); }
  constexpr std::uint32_t word() const { return word_; }
  constexpr explicit operator bool() const { return word_ != 0; }
  friend constexpr bool operator==(SwapEntry, SwapEntry) = default;

 private:
  static constexpr int offset_bits = 27; // 512 GiB an area
  std::uint32_t word_ = 0;
};

} // namespace mmsim
