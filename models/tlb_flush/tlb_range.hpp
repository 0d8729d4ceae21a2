// The instructions that invalidate a range of pages.
//
//   for_each_tlbi({begin, end}, machine has ranges, [&](PageNumber first, std::uint64_t pages) { ... });
//
// Models the loop of __flush_tlb_range() in arch/arm64/include/asm/tlbflush.h, 5.10: page by page; with
// FEAT_TLBIRANGE (Armv8.4) an odd page by itself, then for each scale from 0 on one instruction of (num + 1)
// << (5 * scale + 1) pages, num being the five bits of the number that stand there, less one. Left out: the
// hint of the table's level, strides of 2 MiB.
#pragma once

#include "sim/engine/strong_int.hpp"

#include <cstdint>

namespace mmsim {

/// MAX_TLBI_RANGE_PAGES: what num = 31 and scale = 3 would cover. The loop's largest num is 30.
inline constexpr std::uint64_t max_tlbi_range_pages = std::uint64_t{32} << 16;

/// Calls visit(first, pages) for each instruction that [begin, end) takes; `pages` is 1 for one by address.
/// With `range` the pages must be fewer than max_tlbi_range_pages.
template <class Visit>
void for_each_tlbi(PageNumber begin, PageNumber end, bool range, Visit&& visit) {
  for (int scale = 0; begin < end;) {
    const std::uint64_t pages = end - begin;
    if (!range || pages % 2 == 1) {
      visit(begin, std::uint64_t{1});
      begin = begin + 1;
      continue;
    }
    if (const std::uint64_t count = pages >> (5 * scale + 1) & 31; count > 0) { // num + 1
      visit(begin, count << (5 * scale + 1));
      begin = begin + (count << (5 * scale + 1));
    }
    ++scale;
  }
}

} // namespace mmsim
