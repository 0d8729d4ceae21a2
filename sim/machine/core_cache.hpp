// What of a page's contents is still in a core's private cache.
//
//   CacheStamp stamp;                                    // kept with the page; nobody has it at first
//   std::uint32_t there = caches.resident(core, stamp);  // 0 to CoreCaches::whole
//   stamp = caches.touch(core, stamp);                   // the core has just read or written all of it
//   core.charge(caches.line_cost(core, stamp), ...);     // one line of it (a struct page), wherever it is
//
// Models one private cache a core (machine.cache.size, its largest level) by its turnover: a page brought in
// pushes a page's worth of older contents out, so that of a page touched `d` pages ago by the same core the part
// 1 - d / capacity is left. What is still there is not brought in again: pages used in turn that fit in the cache
// stay in it. In whole numbers, the same on every host.
//
// Left out: the levels that cores share (for a page that its core has lost memory is next), what a core brings in
// beside whole pages (user data, kernel lines), associativity, and that a write by another core takes a copy away: a
// page belongs to the core that touched it last.
#pragma once

#include "sim/engine/strong_int.hpp"
#include "sim/engine/time.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace mmsim {

struct CostBook;
class Topology;

/// Which core touched a page last, and when by the core's own count of pages (modulo 2^21, so that a page untouched
/// for a multiple of 8 GiB of that core's traffic looks fresh). Zero: nobody yet.
struct CacheStamp {
  std::uint32_t core_plus_one : 11;
  std::uint32_t clock : 21;
  friend constexpr bool operator==(CacheStamp, CacheStamp) = default;
};
static_assert(sizeof(CacheStamp) == 4);

/// The private caches of all cores.
class CoreCaches {
 public:
  /// All of a page. Parts of it are counted in bytes.
  static constexpr std::uint32_t whole = 4096;

  CoreCaches(const CostBook& costs, const Topology& topology, std::uint32_t cores);

  /// Bytes of the page that are in this core's cache now: 0 if another core touched it last.
  std::uint32_t resident(CoreId core, CacheStamp stamp) const {
    return stamp.core_plus_one == core.value() + 1 ? left(stamp) : 0;
  }
  /// The core has just used all of the page, which was `stamp`: it brings in what it did not have.
  CacheStamp touch(CoreId core, CacheStamp stamp) {
    if (lost_a_page_ == 0) return {};
    brought_in_[core.value()] += whole - resident(core, stamp);
    return touch_line(core);
  }
  /// The same with a page that it had nothing of.
  CacheStamp touch(CoreId core) { return touch(core, CacheStamp{}); }
  /// The core has just used one line, which takes no room to speak of.
  CacheStamp touch_line(CoreId core) const {
    if (lost_a_page_ == 0) return {};
    return {core.value() + 1, pages_of(core) & clock_mask};
  }

  /// Who touched it last, and what of it his cache still holds; nothing if nobody has, or it is all gone.
  struct Holder {
    CoreId core;
    std::uint32_t resident;
  };
  std::optional<Holder> holder(CacheStamp stamp) const {
    const std::uint32_t bytes = stamp.core_plus_one != 0 ? left(stamp) : 0;
    if (bytes == 0) return std::nullopt;
    return Holder{CoreId(stamp.core_plus_one - 1), bytes};
  }
  /// What reaching one line that was touched then costs `core` on average, beside the hit itself: nothing of what it
  /// holds, a transfer over the distance to another core that holds it, else memory. For lines of which there are too
  /// many to simulate each as a CacheLine.
  Duration line_cost(CoreId core, CacheStamp stamp) const;

 private:
  static constexpr std::uint32_t clock_mask = (1U << 21) - 1;
  static constexpr std::uint64_t one = 1 << 20; // a byte, in the unit of lost_a_page_

  std::uint32_t pages_of(CoreId core) const {
    return static_cast<std::uint32_t>(brought_in_[core.value()] / whole);
  }
  std::uint32_t left(CacheStamp stamp) const {
    const std::uint32_t age = (pages_of(CoreId(stamp.core_plus_one - 1U)) - stamp.clock) & clock_mask;
    const std::uint64_t pushed_out = std::uint64_t{age} * lost_a_page_;
    return pushed_out < std::uint64_t{whole} * one ? whole - static_cast<std::uint32_t>(pushed_out / one) : 0;
  }

  std::vector<std::uint64_t> brought_in_; // bytes, by core
  std::uint64_t lost_a_page_ =
      0; // what of a page another one pushes out; 0: a cache smaller than a page, so none
  const CostBook& costs_;
  const Topology& topology_;
};

} // namespace mmsim
