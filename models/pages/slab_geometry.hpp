// How a slab cache divides its memory: objects a slab, order, limits of the per-CPU arrays. Pure arithmetic.
//
//   SlabGeometry g = slab_geometry({.name = "files_cache", .size = 704, .hwcache_align = true},
//                                  SlabVersion::freelist, memory);    // 11 objects in slabs of two pages
//   SlabTuning t = slab_tuning(g.size, cpus);                         // 54 a CPU, moved by 27, 216 shared
//
// Models kmem_cache_create(), calculate_slab_order() and cache_estimate() of mm/slab.c:
// - `bufctl`, 2.6.24 on 32-bit Arm: a slab begins with struct slab and four bytes an object, or has both
//   elsewhere where objects are as large as an eighth of a page (and the rest of the slab has no room).
// - `freelist`, 5.10 on arm64: struct page is the slab's head, and the free list, a byte an object, is inside
//   a free object, or in another cache, or at the slab's end.
// The order goes up until no more than an eighth is wasted, but not above 1 (0 with 32 MiB of memory or less:
// slab_break_gfp_order, slab_max_order). And enable_cpucache(), which is the same in both.
//
// Left out: colouring, debugging, boot parameters, the objects of other caches that hold what is off the slab.
#pragma once

#include "sim/engine/units.hpp"

#include <cstdint>

namespace mmsim {

/// kernel.slab.
enum class SlabVersion : std::uint8_t {
  bufctl,  ///< 2.6.24
  freelist ///< 5.10
};

/// What kmem_cache_create() is told.
struct SlabSpec {
  const char* name; ///< a literal
  std::uint32_t size;
  bool hwcache_align = false; ///< SLAB_HWCACHE_ALIGN
  bool constructed = false;   ///< has a constructor, so that nothing may be written into free objects
  bool reclaimable = false;   ///< SLAB_RECLAIM_ACCOUNT
};

struct SlabGeometry {
  enum class Management : std::uint8_t { on_slab, off_slab, in_object };
  std::uint32_t size;    ///< of an object with its padding
  std::uint32_t objects; ///< in a slab; 0: too large for any
  unsigned order;        ///< of a slab's pages
  std::uint32_t left_over;
  Management management;
  bool operator==(const SlabGeometry&) const = default;
};
SlabGeometry slab_geometry(const SlabSpec& spec, SlabVersion version, Bytes memory);

/// The columns of /proc/slabinfo's "tunables".
struct SlabTuning {
  std::uint32_t limit;      ///< objects that a CPU keeps
  std::uint32_t batchcount; ///< how many it takes and gives at once
  std::uint32_t shared;     ///< batches in a node's shared array
  bool operator==(const SlabTuning&) const = default;
};
SlabTuning slab_tuning(std::uint32_t size, std::uint32_t cpus);

} // namespace mmsim
