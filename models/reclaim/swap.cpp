#include "models/reclaim/swap.hpp"

#include "models/system.hpp"

#include <spdlog/fmt/fmt.h>
#include <stdexcept>

namespace mmsim {

void SwapParameters::declare(Declaration& d, SwapParameters& p) {
  d("kernel.swap_slots", p.slots, "clusters", "where free slots of swap are found, and what guards them",
    "mm/swapfile.c: scan to 2.6.36, clusters of SSDs since 3.12, with caches of slots since 4.11")
      .registered<SwapSlots>();
  d("kernel.swap_space", p.space, "64 MiB",
    "how much of a swap area shares a tree of the swap cache; 0 B: all have one",
    "SWAP_ADDRESS_SPACE_SHIFT since 4.11; one for each area before, one for all to 3.8");
  d("kernel.swap_readahead", p.readahead, "vma", "what is read from swap beside the page that is wanted",
    "mm/swap_state.c: vma since 4.14 on SSDs, cluster since 3.13 on disks, aligned before that")
      .registered<SwapReadahead>();
  d("kernel.page_cluster", p.page_cluster, 3,
    "swap is read ahead in windows of 2 to the power of this, in pages",
    "vm.page-cluster; mm/swap.c swap_setup: 3, or 2 with less than 16 MiB")
      .at_least(0)
      .at_most(5);
  d("kernel.swap_exclusive", p.exclusive, "swap_count",
    "when a page in the swap cache gives up its slot: if nobody else has a reference (page_count), or no "
    "entry names "
    "the slot (swap_count)",
    "mm/swapfile.c: remove_exclusive_swap_page to 2.6.28, try_to_free_swap since")
      .one_of({"page_count", "swap_count"});
  d("kernel.swap_in_accessed", p.fault_marks_accessed, false,
    "a fault that swaps a page in marks it accessed, as if it had been used before",
    "mm/memory.c do_swap_page: mark_page_accessed to 3.x, activate_page to 5.8");
}

namespace {

std::unique_ptr<SwapSlots> make_slots(System& system, const SwapParameters& parameters,
                                      const Configuration& configuration) {
  auto slots =
      Registry<SwapSlots>::instance().create(parameters.slots, SwapSlotsMeans{system.machine, system.locks});
  const SwapCosts& costs = system.machine.costs().swap;
  if (costs.size.value() == 0) return slots;
  const std::uint64_t areas = static_cast<std::uint64_t>(costs.areas);
  const std::uint64_t pages = costs.size.value() / bytes_per_frame / areas; // of each, the header included
  constexpr std::uint64_t most = std::uint64_t{1} << 27;
  const auto refuse = [&](const char* what) {
    throw InputError(fmt::format("machine.swap.size is {}, in {} area(s) of {} pages: {}",
                                 to_text(costs.size), areas, pages, what),
                     configuration.origin_of("machine.swap.size"));
  };
  if (pages < 2) refuse("an area needs a page for its header and one to use");
  if (pages > most) refuse("an area has 512 GiB at most");
  for (std::uint64_t area = 0; area < areas; ++area)
    slots->add_area(static_cast<std::uint32_t>(pages - 1));
  return slots;
}

} // namespace

Swap::Swap(System& system, const Configuration& configuration)
    : system_(system), parameters_(read_parameters<SwapParameters>(configuration)),
      by_page_count_(parameters_.exclusive == "page_count"),
      slots_(make_slots(system, parameters_, configuration)),
      readahead_(Registry<SwapReadahead>::instance().create(
          parameters_.readahead, static_cast<std::uint32_t>(parameters_.page_cluster))),
      cache_(system, *slots_, parameters_.space), io_(system, cache_, configuration, slots_->total() > 0),
      token_(system, configuration) {}

Swap::~Swap() = default;

void Swap::swap_duplicate(Core& core, SwapEntry entry) {
  if (slots_->duplicate(core, entry, SwapUser::entry) != SwapDuplicate::done)
    throw std::logic_error(
        fmt::format("swap_duplicate() of slot {} of area {}, which is free", entry.offset(), entry.type()));
}

void Swap::free_swap_and_cache(Core& core, SwapEntry entry) {
  if (slots_->put(core, entry, SwapUser::entry)) find_and_free(core, entry);
}

// The end of free_swap_and_cache(), __try_to_reclaim_swap() of 5.10: nobody but the swap cache has the slot.
void Swap::find_and_free(Core& core, SwapEntry entry) {
  CachedPage* page = cache_.find_get_page(core, entry);
  if (page == nullptr) return;
  const FrameNumber frame = page->frame;
  if (system_.page_cache.waits.trylock_page(core, frame)) {
    const Frame& of = system_.pages[frame];
    const bool unused = by_page_count_ ? of.refcount == 2 : of.mapcount == 0;
    if ((of.flags & PG_swapcache) != 0 && page->swap == entry && (unused || vm_swap_full())) {
      if (!by_page_count_) {
        try_to_free_swap(core, frame);
      } else if ((of.flags & PG_writeback) == 0 && slots_->count(core, entry) == 0) {
        // 2.6.24 has looked the page up under swap_lock. Here the slot may have become another page's, with entries.
        slots_->put(core, cache_.delete_from_swap_cache(core, frame), SwapUser::cache);
        system_.pages[frame].flags |= PG_dirty;
      }
    }
    system_.page_cache.waits.unlock_page(core, frame);
  }
  cache_.put_page(core, *page);
}

std::uint32_t Swap::page_swapcount(Core& core, FrameNumber frame) {
  return slots_->count(core, entry_of(frame));
}

SwapEntry Swap::entry_of(FrameNumber frame) const { return system_.pages.links(frame).cached->swap; }

void Swap::lru_add_drain(Core& core) { system_.lru->lru_add_drain(core); }

void Swap::check_invariants(const std::function<std::uint32_t(SwapEntry)>& entries_of) const {
  slots_->check_sums();
  std::uint64_t named = 0, cached = 0;
  for (const SwapArea& area : slots_->areas())
    for (std::uint32_t slot = 1; slot < area.max; ++slot) {
      const SwapEntry entry = area.entry(slot);
      const CachedPage* page = cache_.page_at(entry);
      const std::uint32_t entries = entries_of(entry);
      if (page == nullptr && entries == 0) continue; // free, or in a cache of slots
      ++named;
      slots_->check(entry, entries, page != nullptr);
      if (page == nullptr) continue;
      ++cached;
      const Frame& frame = system_.pages[page->frame];
      if (page->swap != entry || system_.pages.links(page->frame).cached != page || page->holders != 1 ||
          frame.state != FrameState::allocated || (frame.flags & PG_swapcache) == 0 ||
          (frame.flags & (PG_locked | PG_writeback | PG_file)) != 0)
        throw Violation(
            fmt::format("slot {} of swap area {} has frame {} in the swap cache, which says slot {}, held "
                        "by {}; the frame has state {}, flags {:#x}",
                        slot, area.type, page->frame.value(), page->swap.offset(), page->holders,
                        static_cast<int>(frame.state), unsigned{frame.flags}));
    }
  if (named != slots_->named())
    throw Violation(
        fmt::format("{} swap slots are used, but {} are named by entries or the swap cache: some have "
                    "leaked",
                    slots_->named(), named));
  if (cached != cache_.nrpages())
    throw Violation(
        fmt::format("the swap cache counts {} pages, but {} are there", cache_.nrpages(), cached));
}

} // namespace mmsim
