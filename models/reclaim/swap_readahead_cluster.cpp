// An aligned window of slots that grows with its hits: swap_cluster_readahead() of 5.10, as on rotating disks. Left out:
// inode_read_congested(), which under blk-mq is never so; plugging.
#include "models/reclaim/swap.hpp"
#include "models/reclaim/swap_readahead.hpp"
#include "models/system.hpp"

#include <algorithm>
#include <utility>

namespace mmsim {

std::uint32_t SwapReadahead::swapin_nr_pages(bool sequential, std::uint32_t hits, std::uint32_t most,
                                             std::uint32_t previous) {
  std::uint32_t pages = hits + 2;
  if (hits == 0) {
    if (!sequential) pages = 1;
  } else {
    std::uint32_t rounded = 4;
    while (rounded < pages)
      rounded *= 2;
    pages = rounded;
  }
  return std::max(std::min(pages, most), previous / 2); // it does not shrink too fast
}

namespace {

class ClusterReadahead final : public SwapReadahead {
 public:
  explicit ClusterReadahead(std::uint32_t page_cluster) : most_(1U << page_cluster) {}

  CachedPage* swapin_readahead(Swap& swap, const SwapInFault& fault) override {
    const SwapEntry entry = fault.entry;
    fault.task.core().rmw(line_); // swapin_readahead_hits, last_readahead_pages
    const std::uint32_t mask = next_window(entry.offset()) - 1;
    if (mask != 0) {
      const std::uint32_t begin = std::max(entry.offset() & ~mask, 1U);
      const std::uint32_t end = std::min(entry.offset() | mask, swap.area_of(entry).max - 1);
      for (std::uint32_t slot = begin; slot <= end; ++slot)
        if (CachedPage* page =
                swap.read_swap_cache_async(fault.task, {entry.type(), slot}, slot != entry.offset()))
          swap.put_page(fault.task.core(), *page);
      swap.lru_add_drain(fault.task.core());
    }
    return swap.read_swap_cache_async(fault.task, entry, false);
  }
  void found(Vma&, PageNumber, bool ahead) override { hits_ += ahead; }

 private:
  std::uint32_t next_window(std::uint32_t slot) {
    if (most_ <= 1) return 1;
    const std::uint32_t hits = std::exchange(hits_, 0);
    const bool sequential = slot == previous_ + 1 || slot + 1 == previous_;
    if (hits == 0) previous_ = slot;
    return last_ = swapin_nr_pages(sequential, hits, most_, last_);
  }
  const std::uint32_t most_;
  CacheLine line_{"swapin_readahead_hits"};
  std::uint32_t hits_ = 4, previous_ = 0, last_ = 0;
};

const Registered<SwapReadahead> cluster{
    "cluster", "an aligned window of slots that grows with its hits (3.13 and later, on rotating disks)",
    [](std::uint32_t page_cluster) { return std::make_unique<ClusterReadahead>(page_cluster); }};

} // namespace
} // namespace mmsim
