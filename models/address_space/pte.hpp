// A page-table word: what the hardware walks and what a TLB entry is a copy of.
//
//   entry.mapped(frame, pte_writable | pte_young | pte_dirty)   // a new word in the place of `entry`
//   entry.with(pte_young)  entry.without(pte_writable)          // the same frame, other permissions
//
// 64 bits: flags, a 32-bit frame number and a 24-bit generation that changes with every write of the kernel,
// so that an entry that was cleared and set again to the same frame is not taken for the old one. The bits
// mean the same in all formats; where a format has no room for one (young and dirty of ARMv7's short
// descriptors), Linux keeps it in a copy of the table beside it, and takes the hardware's permission away
// until it is set.
//
// Whether hardware or a fault sets young and dirty: machine.mmu.access_flag, machine.mmu.dirty. Left out:
// memory attributes, user and privileged execution, contiguous hints.
#pragma once

#include "models/pages/swap_entry.hpp"
#include "sim/engine/strong_int.hpp"

#include <cstdint>

namespace mmsim {

enum PteFlag : std::uint64_t {
  pte_valid = 1,    ///< the hardware may use it
  pte_writable = 2, ///< pte_write(): the kernel permits writing
  pte_young = 4,    ///< accessed since it was last cleared
  pte_dirty = 8,    ///< written since then
  pte_special = 16, ///< no struct page to look after: the zero page
  pte_none = 32,    ///< PROT_NONE: present to the kernel, invalid to the hardware
  pte_swap = 64,    ///< not present: a swap entry in the place of the frame
  /// Of a swap entry, pte_swp_exclusive(): the page was PageAnonExclusive(), and no other entry names the slot.
  pte_swp_exclusive = 128,
};

class Pte {
 public:
  constexpr Pte() = default;
  constexpr explicit Pte(std::uint64_t word) : word_(word) {}

  constexpr bool valid() const { return word_ & pte_valid; }
  constexpr bool present() const { return word_ & (pte_valid | pte_none); }
  /// is_swap_pte().
  constexpr bool is_swap() const { return word_ & pte_swap; }
  /// pte_none(): neither present nor a swap entry.
  constexpr bool none() const { return !(word_ & (pte_valid | pte_none | pte_swap)); }
  constexpr bool writable() const { return word_ & pte_writable; }
  constexpr bool young() const { return word_ & pte_young; }
  constexpr bool dirty() const { return word_ & pte_dirty; }
  constexpr bool special() const { return word_ & pte_special; }
  constexpr bool swp_exclusive() const { return word_ & pte_swp_exclusive; }
  constexpr FrameNumber frame() const {
    return FrameNumber(static_cast<std::uint32_t>(word_ >> frame_shift));
  }
  /// pte_to_swp_entry() of a swap entry.
  constexpr SwapEntry swap_entry() const {
    return SwapEntry::of_word(static_cast<std::uint32_t>(word_ >> frame_shift));
  }
  constexpr std::uint64_t flags() const { return word_ & flag_mask; }
  constexpr std::uint64_t word() const { return word_; }

  /// The words that replace this one: each starts a new generation.
  constexpr Pte mapped(FrameNumber frame, std::uint64_t flags) const {
    return Pte(next_generation() | std::uint64_t{frame.value()} << frame_shift | flags | pte_valid);
  }
  constexpr Pte swapped(SwapEntry entry, bool exclusive = false) const {
    return Pte(next_generation() | std::uint64_t{entry.word()} << frame_shift | pte_swap |
               (exclusive ? pte_swp_exclusive : std::uint64_t{0}));
  }
  constexpr Pte cleared() const { return Pte(next_generation()); }
  constexpr Pte with(std::uint64_t flags) const { return replaced(this->flags() | flags); }
  constexpr Pte without(std::uint64_t flags) const { return replaced(this->flags() & ~flags); }
  /// pte_modify(): as PROT_NONE has it, or back.
  constexpr Pte prot_none() const { return replaced((flags() & ~pte_valid) | pte_none); }
  constexpr Pte from_prot_none() const { return replaced((flags() & ~pte_none) | pte_valid); }

  /// pte_mkold(): the same generation, since translations made before are as good as ever.
  constexpr Pte aged() const { return Pte(word_ & ~std::uint64_t{pte_young}); }

  /// What the hardware writes back by itself: the same generation.
  constexpr Pte noted(std::uint64_t young_or_dirty) const { return Pte(word_ | young_or_dirty); }

 private:
  static constexpr std::uint64_t flag_mask = 0xff;
  static constexpr int frame_shift = 8, generation_shift = 40;
  constexpr std::uint64_t next_generation() const {
    return ((word_ >> generation_shift) + 1) << generation_shift; // 24 bits: wraps by falling off the top
  }
  constexpr Pte replaced(std::uint64_t flags) const {
    return Pte(next_generation() | (word_ & ((std::uint64_t{1} << generation_shift) - 1) & ~flag_mask) |
               flags);
  }
  std::uint64_t word_ = 0;
};

} // namespace mmsim
