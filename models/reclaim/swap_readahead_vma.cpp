// The swap entries around the one that is wanted, in a window of its area that grows with its hits and lies where the
// faults are going: swap_vma_readahead() of 5.10, as on SSDs. It stays in the area and in the table. Left out:
// the smaller window of 32-bit kernels (SWAP_RA_ORDER_CEILING 3); plugging.
#include "models/reclaim/swap.hpp"
#include "models/reclaim/swap_readahead.hpp"
#include "models/system.hpp"

#include <algorithm>
#include <array>

namespace mmsim {
namespace {

class VmaReadahead final : public SwapReadahead {
 public:
  explicit VmaReadahead(std::uint32_t page_cluster) : most_(std::min(1U << page_cluster, window_ceiling)) {}

  CachedPage* swapin_readahead(Swap& swap, const SwapInFault& fault) override {
    Core& core = fault.task.core();
    const Window window = swap_ra_info(fault);
    if (window.end - window.begin > 1) {
      std::array<Pte, window_ceiling> entries; // a copy: the table may change
      const auto pages = static_cast<std::size_t>(window.end - window.begin);
      core.settle();
      for (std::size_t i = 0; i < pages; ++i)
        entries[i] = fault.table.words[fault.index + (window.begin + i - fault.page)];
      core.charge(static_cast<std::int64_t>(pages) * core.costs().work.pte_scan, Account::work);
      for (std::size_t i = 0; i < pages; ++i) {
        if (!entries[i].is_swap()) continue;
        if (CachedPage* page = swap.read_swap_cache_async(fault.task, entries[i].swap_entry(),
                                                          window.begin + i != fault.page))
          swap.put_page(fault.task.core(), *page);
      }
      swap.lru_add_drain(fault.task.core());
    }
    return swap.read_swap_cache_async(fault.task, fault.entry, false);
  }
  void found(Vma& vma, PageNumber page, bool ahead) override {
    vma.swap_readahead.last = page;
    vma.swap_readahead.hits = std::min(vma.swap_readahead.hits + ahead, most_hits);
  }

 private:
  static constexpr std::uint32_t window_ceiling = 32; // SWAP_RA_ORDER_CEILING
  static constexpr std::uint32_t most_hits = 63;      // SWAP_RA_HITS_MAX
  struct Window {
    PageNumber begin, end;
  };

  Window swap_ra_info(const SwapInFault& fault) const {
    if (most_ == 1) return {fault.page, fault.page + 1};
    SwapReadaheadInfo& info = fault.vma.swap_readahead;
    const std::uint64_t page = fault.page.value(), last = info.last.value();
    const bool upwards = page == last + 1, downwards = last == page + 1;
    const std::uint32_t window = swapin_nr_pages(upwards || downwards, info.hits, most_, info.window);
    info = {fault.page, window, 0};
    if (window == 1) return {fault.page, fault.page + 1};
    const std::uint64_t before = upwards ? 0 : downwards ? window - 1 : (window - 1) / 2;
    const std::uint64_t table = page & ~std::uint64_t{511};
    const std::uint64_t begin = page - std::min(page, before), end = page - before + window;
    return {PageNumber(std::max({begin, fault.vma.begin.value(), table})),
            PageNumber(std::min({end, fault.vma.end.value(), table + 512}))};
  }
  const std::uint32_t most_;
};

const Registered<SwapReadahead> vma{
    "vma", "a window of the area's own entries that grows with its hits (4.14 and later, on SSDs)",
    [](std::uint32_t page_cluster) { return std::make_unique<VmaReadahead>(page_cluster); }};

} // namespace
} // namespace mmsim
