// The slots in use around the one that is wanted, in an aligned window: swapin_readahead() and valid_swaphandles() of
// 2.6.24. Left out: addresses that go along with the slots, for the memory policy of the area (CONFIG_NUMA).
#include "models/reclaim/swap.hpp"
#include "models/reclaim/swap_readahead.hpp"
#include "models/system.hpp"

#include <algorithm>

namespace mmsim {
namespace {

class AlignedReadahead final : public SwapReadahead {
 public:
  explicit AlignedReadahead(std::uint32_t page_cluster) : page_cluster_(page_cluster) {}

  CachedPage* swapin_readahead(Swap& swap, const SwapInFault& fault) override {
    const SwapEntry entry = fault.entry;
    if (page_cluster_ > 0) {
      const std::uint32_t base = entry.offset() >> page_cluster_ << page_cluster_;
      const SwapSlots::Run run = swap.areas().used_around(
          fault.task.core(), entry,
          {std::max(base, 1U), std::min(base + (1U << page_cluster_), swap.area_of(entry).max)});
      if (run.end - run.begin > 1)
        for (std::uint32_t slot = run.begin; slot < run.end; ++slot) {
          CachedPage* page =
              swap.read_swap_cache_async(fault.task, {entry.type(), slot}, slot != entry.offset());
          if (page == nullptr) break;
          swap.put_page(fault.task.core(), *page);
        }
      swap.lru_add_drain(fault.task.core());
    }
    return swap.read_swap_cache_async(fault.task, entry, false);
  }

 private:
  const std::uint32_t page_cluster_;
};

const Registered<SwapReadahead> aligned{
    "aligned", "the slots in use of an aligned window (to 3.12)",
    [](std::uint32_t page_cluster) { return std::make_unique<AlignedReadahead>(page_cluster); }};

} // namespace
} // namespace mmsim
