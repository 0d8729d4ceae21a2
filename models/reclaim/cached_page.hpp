// What struct page of a page in the page cache or the swap cache has beside its Frame.
//
// It stands for the page from its first place in a cache until nobody has it any more; it is not the slot of
// the file that it is in. Its flags (PG_locked, PG_uptodate, PG_dirty, PG_writeback) are the Frame's.
#pragma once

#include "models/pages/frame.hpp"
#include "models/pages/swap_entry.hpp"
#include "models/reclaim/block_device.hpp"
#include "sim/machine/cache_line.hpp"

#include <cstdint>

namespace mmsim {

class File;
class PageCache;

/// As a BlockRequest it is the read or the write of this one page: PageCache::end_io() ends it.
class CachedPage final : public BlockRequest {
 public:
  explicit CachedPage(PageCache& cache) : cache_(cache) {}

  FrameNumber frame = no_frame;
  File* mapping = nullptr; ///< page->mapping of a file's page; null once it has left the file
  std::uint64_t index = 0; ///< page->index: its place in the file, in pages
  SwapEntry swap;          ///< page->private of a page in the swap cache: its slot; else none
  bool ahead = false;      ///< was read ahead and has not been asked for since: for the counter readahead_hit
  /// Paths that go on with it, each cache that it is in being one: not in the kernel.
  std::uint32_t holders = 0;
  CacheLine line{"struct page"};

  void end_io(Core& core, bool failed) override;

 private:
  PageCache& cache_;
};

} // namespace mmsim
