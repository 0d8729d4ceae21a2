// What an allocation may do and where its memory may lie: GFP flags.
//
//   pages.alloc_page(core, GFP_KERNEL);
//   pages.alloc_page(core, GFP_HIGHUSER_MOVABLE | gfp_zero);
//
// Models include/linux/gfp.h of 2.6.24 and 5.10 as far as the page allocator decides by it.
#pragma once

#include "models/pages/migrate_type.hpp"

#include <cstdint>

namespace mmsim {

/// A set of __GFP_* flags.
class Gfp {
 public:
  constexpr Gfp() = default;
  constexpr explicit Gfp(std::uint32_t bits) : bits_(bits) {}
  constexpr bool has(Gfp flag) const { return (bits_ & flag.bits_) == flag.bits_; }
  friend constexpr Gfp operator|(Gfp a, Gfp b) { return Gfp(a.bits_ | b.bits_); }
  friend constexpr bool operator==(Gfp, Gfp) = default;

 private:
  std::uint32_t bits_ = 0;
};

inline constexpr Gfp gfp_wait{1}; ///< may sleep and reclaim: __GFP_WAIT (5.10: __GFP_DIRECT_RECLAIM)
inline constexpr Gfp gfp_high{2}; ///< may dig into the reserve: __GFP_HIGH
inline constexpr Gfp gfp_cold{4}; ///< wants a page whose contents no cache holds: __GFP_COLD (to 4.14)
inline constexpr Gfp gfp_zero{8}; ///< returns it cleared: __GFP_ZERO
inline constexpr Gfp gfp_memalloc{
    16}; ///< serves reclaim itself, no watermark counts: __GFP_MEMALLOC, PF_MEMALLOC
inline constexpr Gfp gfp_movable{32};     ///< can be moved: __GFP_MOVABLE
inline constexpr Gfp gfp_reclaimable{64}; ///< __GFP_RECLAIMABLE
inline constexpr Gfp gfp_dma{128};        ///< only ZONE_DMA will do: __GFP_DMA
inline constexpr Gfp gfp_dma32{256};      ///< ZONE_DMA32 or below: __GFP_DMA32
inline constexpr Gfp gfp_noretry{512};    ///< may fail after one attempt to reclaim, and kills nobody: __GFP_NORETRY

inline constexpr Gfp GFP_ATOMIC = gfp_high;
inline constexpr Gfp GFP_KERNEL = gfp_wait;
/// User pages; there is no high memory here, so that ZONE_NORMAL serves them where ZONE_MOVABLE is empty.
inline constexpr Gfp GFP_HIGHUSER_MOVABLE = gfp_wait | gfp_movable;

/// gfpflags_to_migratetype().
constexpr MigrateType migrate_type_of(Gfp gfp) {
  if (gfp.has(gfp_movable)) return MigrateType::movable;
  return gfp.has(gfp_reclaimable) ? MigrateType::reclaimable : MigrateType::unmovable;
}

} // namespace mmsim
