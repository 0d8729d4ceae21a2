#include "models/pages/slab_geometry.hpp"

#include "models/pages/buddy.hpp"

#include <algorithm>
#include <bit>

namespace mmsim {

namespace {

using Management = SlabGeometry::Management;

// 32-bit Arm, EABI, ARM11: lines of 32 bytes, ARCH_SLAB_MINALIGN 8.
namespace arm {
constexpr std::uint32_t line = 32, word = 4, min_align = 8, bufctl = 4, struct_slab = 28;
}
// arm64: lines of 64 bytes, words of 8; kmalloc's objects are at least ARCH_DMA_MINALIGN; the free list has a
// byte an object, so that a slab has at most 255.
namespace arm64 {
constexpr std::uint32_t line = 64, min_align = 8, index = 1, max_objects = 255, min_object = 16,
                        kmalloc_min = 128;
}

constexpr std::uint32_t align(std::uint32_t size, std::uint32_t to) { return (size + to - 1) / to * to; }

std::uint32_t alignment(const SlabSpec& spec, std::uint32_t line, std::uint32_t minimum) {
  if (!spec.hwcache_align) return minimum;
  while (spec.size <= line / 2)
    line /= 2; // several small objects share a line, none has a part of two
  return std::max(line, minimum);
}

constexpr std::uint32_t bytes_of(unsigned order) {
  return static_cast<std::uint32_t>(bytes_per_frame) << order;
}

// Where calculate_slab_order() stops looking for less waste.
bool good_enough(const SlabSpec& spec, const SlabGeometry& g, unsigned highest) {
  return spec.reclaimable || g.order >= highest || g.left_over * 8 <= bytes_of(g.order);
}

// --- 2.6.24

SlabGeometry estimate_bufctl(std::uint32_t size, std::uint32_t to, unsigned order, Management management) {
  const std::uint32_t bytes = bytes_of(order);
  const auto head = [&](std::uint32_t objects) {
    return align(arm::struct_slab + objects * arm::bufctl, to);
  };
  std::uint32_t objects = 0, used = 0;
  if (management == Management::off_slab) {
    objects = bytes / size;
  } else {
    objects = (bytes - arm::struct_slab) / (size + arm::bufctl);
    if (head(objects) + objects * size > bytes) --objects;
    used = head(objects);
  }
  return {size, objects, order, bytes - objects * size - used, management};
}

SlabGeometry geometry_bufctl(const SlabSpec& spec, unsigned highest) {
  const std::uint32_t to = alignment(spec, arm::line, arm::min_align);
  const std::uint32_t size = align(spec.size, to);
  const auto management =
      align(spec.size, arm::word) >= bytes_per_frame / 8 ? Management::off_slab : Management::on_slab;
  SlabGeometry best{size, 0, 0, 0, management};
  for (unsigned order = 0; order <= Buddy::max_order; ++order) {
    const SlabGeometry g = estimate_bufctl(size, to, order, management);
    if (g.objects == 0) continue;
    if (management == Management::off_slab && g.objects > (size - arm::struct_slab) / arm::bufctl)
      break; // its head would have a head off the slab, too
    best = g;
    if (good_enough(spec, best, highest)) break;
  }
  const std::uint32_t head = align(best.objects * arm::bufctl + arm::struct_slab, to);
  if (best.objects > 0 && management == Management::off_slab && best.left_over >= head) {
    best.management = Management::on_slab;
    best.left_over -= head;
  }
  return best;
}

// --- 5.10

SlabGeometry order_freelist(const SlabSpec& spec, std::uint32_t size, unsigned highest,
                            Management management) {
  SlabGeometry best{size, 0, 0, 0, management};
  for (unsigned order = 0; order <= Buddy::max_order; ++order) {
    const std::uint32_t each = size + (management == Management::on_slab ? arm64::index : 0);
    const std::uint32_t objects = bytes_of(order) / each;
    if (objects == 0) continue;
    if (objects > arm64::max_objects) break;
    if (management == Management::off_slab) {
      const std::uint32_t list = std::max(std::bit_ceil(objects * arm64::index), arm64::kmalloc_min);
      if (list > size / 2) continue; // kmalloc's object would be no saving
    }
    best = {size, objects, order, bytes_of(order) % each, management};
    if (good_enough(spec, best, highest)) break;
  }
  return best;
}

SlabGeometry geometry_freelist(const SlabSpec& spec, unsigned highest) {
  const std::uint32_t to = alignment(spec, arm64::line, arm64::min_align);
  const std::uint32_t size = align(std::max(align(spec.size, to), arm64::min_object), to);
  if (!spec.constructed) {
    const SlabGeometry g = order_freelist(spec, size, highest, Management::in_object);
    if (g.objects > 0 && g.objects * arm64::index <= spec.size) return g;
  }
  const SlabGeometry off = order_freelist(spec, size, highest, Management::off_slab);
  if (off.objects > 0 && off.left_over < off.objects * arm64::index) return off;
  return order_freelist(spec, size, highest, Management::on_slab);
}

} // namespace

SlabGeometry slab_geometry(const SlabSpec& spec, SlabVersion version, Bytes memory) {
  const unsigned highest = memory.value() > (std::uint64_t{32} << 20) ? 1 : 0;
  return version == SlabVersion::bufctl ? geometry_bufctl(spec, highest) : geometry_freelist(spec, highest);
}

SlabTuning slab_tuning(std::uint32_t size, std::uint32_t cpus) {
  const std::uint32_t limit = size > 131072            ? 1
                              : size > bytes_per_frame ? 8
                              : size > 1024            ? 24
                              : size > 256             ? 54
                                                       : 120;
  return {limit, (limit + 1) / 2, size <= bytes_per_frame && cpus > 1 ? 8u : 0u};
}

} // namespace mmsim
