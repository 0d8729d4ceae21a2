// What an allocation does when its first attempt finds no zone above the low watermark.
//
//   FrameNumber frame = pages.get_page_from_freelist(core, request, {Watermark::low});
//   if (frame == no_frame) frame = path.slowpath(core, request); // PageAllocator::alloc_pages() does this
//
// One kernel version a file (alloc_path_classic.cpp, alloc_path_slowpath.cpp), chosen by kernel.alloc_path.
// All of them go the same way, at one step after the other: wake kswapd; the min watermark, of which those
// who cannot wait leave less; for reclaim itself and dying tasks no watermark; who cannot wait ends here;
// direct reclaim, then again; the OOM hook, then again; orders above PAGE_ALLOC_COSTLY_ORDER fail instead.
#pragma once

#include "models/pages/gfp.hpp"
#include "models/pages/zone.hpp"
#include "sim/engine/parameter.hpp"
#include "sim/engine/registry.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

namespace mmsim {

class PageAllocator;
class ReclaimHooks;

/// struct alloc_context: what stays the same over all attempts of an allocation.
struct AllocRequest {
  unsigned order;
  Gfp gfp;
  MigrateType type;
  ZoneType highest;                        ///< gfp_zone()
  std::span<const std::uint32_t> zonelist; ///< MemoryLayout::zonelist() of where it began
  AllocFlags first;                        ///< of the first attempt
};

class AllocPath {
 public:
  static constexpr std::string_view registry_path = "kernel.alloc_path";
  using Factory = std::function<std::unique_ptr<AllocPath>(PageAllocator&)>;
  /// Orders above this are not worth going on for.
  static constexpr unsigned page_alloc_costly_order = 3;

  virtual ~AllocPath() = default;

  /// What zone_watermark_ok() asks of this version's zones.
  virtual WatermarkRule watermark_rule() const = 0;
  /// alloc_flags_nofragment(): the first attempt of who would like `preferred` best takes memory of a lower zone
  /// before it mixes pageblocks, or looks twice. Asked once a zonelist, at the start.
  virtual bool avoids_fragments(const Zone&, [[maybe_unused]] bool one_node_or_dma32) const { return false; }
  /// The rest of __alloc_pages(). `core` stays the one that called (reclaim_hooks.hpp). no_frame if the
  /// allocation may fail and does.
  virtual FrameNumber slowpath(Core*& core, const AllocRequest& request) = 0;
};

struct AllocPathParameters {
  std::string path, free_list;
  static void declare(Declaration& d, AllocPathParameters& p) {
    d("kernel.alloc_path", p.path, "slowpath", "how an allocation goes on below the low watermark")
        .registered<AllocPath>();
    d("kernel.free_page_list", p.free_list, "batched",
      "lists of pages are freed one by one from the last, or 32 at a time with interrupts off",
      "mm/page_alloc.c __pagevec_free up to 4.14, free_unref_page_list since 4.15")
        .one_of({"single", "batched"});
  }
};
inline const DeclareParameters<AllocPathParameters> declared_alloc_path_parameters;

} // namespace mmsim
