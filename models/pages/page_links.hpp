// What struct page has of user pages beside Frame, by frame number: page->mapping, page->index and the word of
// the reverse map.
//
//   PageLinks& links = pages.links(frame);
//
// Host memory is spent on touched ones only. All zero for a page that is nobody's: whoever sets one clears it before
// the frame is free.
#pragma once

#include "models/pages/frame.hpp"

namespace mmsim {

class CachedPage;

struct PageLinks {
  void* rmap = nullptr; ///< of a mapped anonymous page: what the reverse map (models/rmap) keeps of it
  CachedPage* cached = nullptr; ///< of a page of a file or of the swap cache: the rest of its struct page
  std::uint64_t index = 0;      ///< linear_page_index() of an anonymous page
};

/// The links by frame number.
class PageLinksTable {
 public:
  /// Throws std::system_error if the host has no room for that many addresses.
  explicit PageLinksTable(FrameNumber end);
  ~PageLinksTable();
  PageLinksTable(const PageLinksTable&) = delete;
  PageLinksTable& operator=(const PageLinksTable&) = delete;
  PageLinks& operator[](FrameNumber frame) { return links_[frame.value()]; }
  const PageLinks& operator[](FrameNumber frame) const { return links_[frame.value()]; }

 private:
  PageLinks* links_;
  std::uint32_t end_;
};

} // namespace mmsim
