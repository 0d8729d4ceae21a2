// Swap: areas with their slots, the swap cache, and what moves pages between memory and device.
//
//   if (system.swap.add_to_swap(core, frame)) ...                      // reclaim: a locked anonymous page gets a slot
//   system.swap.writepage(task, frame);                                // PG_writeback until the device has it
//   CachedPage* page = system.swap.lookup_swap_cache(core, entry, vma, page);   // a fault: in memory still?
//   CachedPage* page = system.swap.swapin_readahead({task, vma, page, entry, table, index}); // else read
//
// Models mm/swapfile.c, mm/swap_state.c and mm/page_io.c of 2.6.24 and 5.10.35. How much there is: machine.swap (the
// device: swap_io.hpp); slots: swap_slots.hpp; the cache: swap_cache.hpp; what is read along: swap_readahead.hpp; the
// swap token: swap_token.hpp. Here is what ties them together: swap.cpp for entries of page tables and the checks,
// swap_out.cpp for the way out, swap_in.cpp for the way in (which operations/fault_swap.cpp ends).
//
// A page in the swap cache has a CachedPage (pages.links(frame).cached) as a file's page has: its line, who waits. The
// cache has one reference and is one of those who name the slot.
//
// When a page gives up a slot that no entry names (kernel.swap_exclusive):
//   page_count  2.6.24: if nobody else has a reference (remove_exclusive_swap_page()); a fault that writes shares the
//               page with its slot (can_share_swap_page())
//   swap_count  5.10: whoever has it (try_to_free_swap()); a fault that writes takes it out (reuse_swap_page())
//
// Left out: SWP_SYNCHRONOUS_IO (zram and such: the way around the swap cache), zswap, swapoff, KSM, huge pages, memory
// cgroups; that 2.6.24 looks for the page of a zapped entry with swap_lock still held; that who finds a slot between
// the swap cache and its page sleeps for a jiffy (5.10; here it gives way, as cond_resched() before it).
#pragma once

#include "models/pages/swap_entry.hpp"
#include "models/reclaim/page_cache.hpp"
#include "models/reclaim/swap_cache.hpp"
#include "models/reclaim/swap_io.hpp"
#include "models/reclaim/swap_readahead.hpp"
#include "models/reclaim/swap_slots.hpp"
#include "models/reclaim/swap_token.hpp"
#include "sim/engine/parameter.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace mmsim {

class System;

struct SwapParameters {
  std::string slots, readahead, exclusive;
  bool fault_marks_accessed;
  Bytes space;
  std::int64_t page_cluster;
  static void declare(Declaration& d, SwapParameters& p);
};
inline const DeclareParameters<SwapParameters> declared_swap_parameters;

class Swap {
 public:
  /// With machine.swap.size of slots. Throws InputError if that is nonsense.
  Swap(System& system, const Configuration& configuration);
  ~Swap();

  /// nr_swap_pages: free slots of all areas.
  std::uint64_t free_slots() const { return slots_->free(); }
  /// total_swap_pages.
  std::uint64_t slots() const { return slots_->total(); }
  /// vm_swap_full(): more than half of it is used.
  bool vm_swap_full() const { return free_slots() * 2 < slots(); }
  /// total_swapcache_pages.
  std::uint64_t cached() const { return cache_.nrpages(); }

  // Entries of page tables, each of which holds a count of its slot.

  /// swap_duplicate(): another entry names the slot (fork, and try_to_unmap_one()).
  void swap_duplicate(Core& core, SwapEntry entry);
  /// swap_free(): an entry less.
  void swap_free(Core& core, SwapEntry entry) { slots_->put(core, entry, SwapUser::entry); }
  /// free_swap_and_cache(): an entry is zapped; the slot's page too if nobody else wants it.
  void free_swap_and_cache(Core& core, SwapEntry entry);
  /// page_swapcount(): entries that name the slot of a page in the swap cache.
  std::uint32_t page_swapcount(Core& core, FrameNumber frame);

  // The swap cache, whose pages are locked by the caller unless it says otherwise.

  /// add_to_swap(): a slot for an anonymous page, which is dirty and in the swap cache from then on. False if there is
  /// no slot.
  [[nodiscard]] bool add_to_swap(Core& core, FrameNumber frame);
  /// page_private(): the slot of a page in the swap cache.
  SwapEntry entry_of(FrameNumber frame) const;
  /// __remove_mapping()'s part: takes a clean page that only the cache and the caller have out of the swap cache. The
  /// caller's reference is the only one then. False if somebody else has it or it is dirty.
  [[nodiscard]] bool remove_mapping(Core& core, FrameNumber frame);
  /// try_to_free_swap(), remove_exclusive_swap_page(): a page that is swapped in everywhere gives up its slot, and is
  /// dirty. True if it did.
  bool try_to_free_swap(Core& core, FrameNumber frame);
  /// free_swap_cache() of a page that may be in the swap cache and is not locked: a gather drops its reference.
  void free_swap_cache(Core& core, FrameNumber frame);
  /// reuse_swap_page(), can_share_swap_page(): a write may take the page over, since nobody else maps it or has an
  /// entry that names its slot.
  [[nodiscard]] bool reuse_swap_page(Core& core, FrameNumber frame);
  /// A page may be written to while it keeps its slot (kernel.swap_exclusive = "page_count").
  bool shares_slots() const { return by_page_count_; }
  /// swap_writepage(): starts the write of a locked page, which is no longer dirty but PG_writeback from then on;
  /// unlocks it. If the device fails it is dirty again. May sleep until the device's queue has room.
  void writepage(Task& task, FrameNumber frame);

  // Swapping in. Whoever gets a page here gives it back by put_page() or hand_over(). None needs a lock.

  /// lookup_swap_cache(): null if it is not there.
  [[nodiscard]] CachedPage* lookup_swap_cache(Core& core, SwapEntry entry, Vma& vma, PageNumber page);
  /// swapin_readahead(): the page, on its way and locked unless it is there already. Null as
  /// SwapReadahead::swapin_readahead().
  [[nodiscard]] CachedPage* swapin_readahead(const SwapInFault& fault) {
    return readahead_->swapin_readahead(*this, fault);
  }
  /// read_swap_cache_async(): the slot's page, found or read. `ahead`: nobody has asked for it. Null if there is no
  /// memory or the slot is free.
  [[nodiscard]] CachedPage* read_swap_cache_async(Task& task, SwapEntry entry, bool ahead);
  void put_page(Core& core, CachedPage& page) { cache_.put_page(core, page); }
  void hand_over(CachedPage& page) { cache_.hand_over(page); }
  SwapToken& token() { return token_; }
  /// has_swap_token(): page_referenced() takes pages of `mm` for used while it faults.
  bool has_swap_token(const MmStruct& mm) const { return token_.held_by(mm); }
  const SwapParameters& parameters() const { return parameters_; }

  /// At a quiescent point: every slot's count is the number of entries that name it and one for the swap cache; no page
  /// is locked or under writeback. `entries_of(entry)`: the page-table entries found. Throws Violation.
  void check_invariants(const std::function<std::uint32_t(SwapEntry)>& entries_of) const;
  template <class Visit>
  void for_each_cached(Visit&& visit) const {
    cache_.for_each_page(visit);
  }

  // For implementations of SwapReadahead.

  SwapSlots& areas() { return *slots_; }
  const SwapArea& area_of(SwapEntry entry) const { return *slots_->area(entry); }
  void lru_add_drain(Core& core);

 private:
  void add_areas();
  void find_and_free(Core& core, SwapEntry entry);

  System& system_;
  const SwapParameters parameters_;
  const bool by_page_count_; // kernel.swap_exclusive
  const std::unique_ptr<SwapSlots> slots_;
  const std::unique_ptr<SwapReadahead> readahead_;
  SwapCache cache_;
  SwapIo io_;
  SwapToken token_;
};

} // namespace mmsim
