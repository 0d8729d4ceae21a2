// What of a page's contents is still in a core's private cache.
//
//   CacheStamp stamp;                                  // kept with the page; nobody has it at first
//   double part = cache.resident(core.id(), stamp);    // 0 to 1
//   stamp = cache.touch(core.id());                    // the core has just brought all of it in
//
// Models one private cache a core (machine.cache.size) by its turnover: each page brought in pushes one page's
// worth of older contents out, so that of a page touched `d` pages ago by the same core the part 1 - d / capacity is
// left. What other cores or levels hold is not modelled: for them the page comes from memory.
#pragma once

#include "sim/engine/strong_int.hpp"

#include <cstdint>

namespace mmsim {

/// Which core touched a page last, and when by the core's own count of pages (modulo 2^21, so that a page untouched
/// for a multiple of 8 GiB of that core's traffic looks fresh). Zero: nobody yet.
struct CacheStamp {
  std::uint32_t core_plus_one : 11;
  std::uint32_t clock : 21;
};
static_assert(sizeof(CacheStamp) == 4);

} // namespace mmsim
