// Addresses, pages and tables that were unmapped and must not be used again yet, since some core may still
// hold translations of them.
//
//   withheld->flushed();        // no core holds one any more; from any context
//   withheld->release(core);    // frees; in a task
//
// Only a policy that defers flushes makes use of it (tlb_flush/latr.cpp).
#pragma once

#include "sim/engine/strong_int.hpp"

#include <algorithm>
#include <vector>

namespace mmsim {

class Core;

/// What one munmap has taken away.
class Withheld {
 public:
  virtual ~Withheld() = default;
  virtual void flushed() = 0;
  virtual void release(Core& core) = 0;
};

/// Address ranges of an mm that nothing may be mapped at. Few, and mostly none.
class WithheldRanges {
 public:
  bool empty() const { return ranges_.empty(); }
  void add(PageNumber begin, PageNumber end) { ranges_.push_back({begin, end}); }
  void remove(PageNumber begin, PageNumber end) {
    const auto found = std::find(ranges_.begin(), ranges_.end(), Range{begin, end});
    if (found != ranges_.end()) ranges_.erase(found);
  }
  /// The end of one that [first, first + pages) meets, or `first`.
  PageNumber past(PageNumber first, std::uint64_t pages) const {
    for (const Range& range : ranges_)
      if (range.begin < first + pages && first < range.end) return range.end;
    return first;
  }
  /// The beginning of one that [first, first + pages) meets, or its end.
  PageNumber below(PageNumber first, std::uint64_t pages) const {
    for (const Range& range : ranges_)
      if (range.begin < first + pages && first < range.end) return range.begin;
    return first + pages;
  }

 private:
  struct Range {
    PageNumber begin, end;
    bool operator==(const Range&) const = default;
  };
  std::vector<Range> ranges_;
};

} // namespace mmsim
