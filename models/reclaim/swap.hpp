// Swap: areas with their slots, the swap cache, and what moves pages between memory and device.
//
//   if (system.swap.add_to_swap(core, frame)) ...        // reclaim: a locked anonymous page gets a slot
//   system.swap.writepage(task, frame);                  // PG_writeback until the device has it
//   FrameNumber frame = system.swap.swapin_readahead(task, entry, ...);
//
// Models mm/swapfile.c, mm/swap_state.c and mm/page_io.c.
#pragma once

#include "models/pages/swap_entry.hpp"
#include "models/reclaim/page_cache.hpp"
#include "sim/engine/parameter.hpp"

#include <cstdint>

namespace mmsim {

class System;

class Swap {
 public:
  explicit Swap(System& system);
  ~Swap();

  /// nr_swap_pages: free slots of all areas.
  std::uint64_t free_slots() const;
  /// total_swap_pages.
  std::uint64_t slots() const;
  /// vm_swap_full(): more than half of it is used.
  bool vm_swap_full() const { return free_slots() * 2 < slots(); }

  // Entries of page tables, each of which holds a count of its slot.

  /// swap_duplicate(): another entry names the slot (fork, and try_to_unmap_one()).
  void swap_duplicate(Core& core, SwapEntry entry);
  /// swap_free(): an entry less.
  void swap_free(Core& core, SwapEntry entry);
  /// free_swap_and_cache(): an entry is zapped; the slot's page too if nobody else wants it.
  void free_swap_and_cache(Core& core, SwapEntry entry);

  // The swap cache, whose pages are locked by the caller.

  /// add_to_swap(): a slot for an anonymous page, which is dirty and in the swap cache from then on. False if there is
  /// no slot.
  [[nodiscard]] bool add_to_swap(Core& core, FrameNumber frame);
  /// page_private(): the slot of a page in the swap cache.
  SwapEntry entry_of(FrameNumber frame) const;
  /// __remove_mapping()'s part: takes a clean page that only the cache and the caller have out of the swap cache. False
  /// if somebody else has it or it is dirty.
  [[nodiscard]] bool remove_mapping(Core& core, FrameNumber frame);
  /// try_to_free_swap(), remove_exclusive_swap_page(): a page that is swapped in everywhere gives up its slot, and is
  /// dirty. True if it did.
  bool try_to_free_swap(Core& core, FrameNumber frame);
  /// swap_writepage(): starts the write of a locked page, PG_writeback from then on; unlocks it.
  void writepage(Task& task, FrameNumber frame);

  /// At a quiescent point: every slot's count is the number of entries that name it and one for the swap cache; no page
  /// is locked or under writeback. Throws Violation.
  void check_invariants() const;

 private:
  System& system_;
};

} // namespace mmsim
