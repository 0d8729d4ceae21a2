// The slots of all swap areas: who gets which, and how many name each.
//
//   const SwapEntry entry = slots.get_swap_page(core);    // the swap cache's from now on; none: swap is full
//   slots.duplicate(core, entry, SwapUser::entry);         // a page-table entry names it
//   slots.put(core, entry, SwapUser::cache);               // the cache lets go; the last one frees it
//
// Which lock guards what, and where a free slot is looked for, is an implementation each, one file (kernel.swap_slots):
// `scan` (swap_slots_scan.cpp) and `clusters` (swap_slots_clusters.cpp). None of these sleeps.
//
// Left out: swapon and swapoff, priorities (all areas have the same and are used in turn), frontswap.
#pragma once

#include "models/locks/spinlock.hpp"
#include "models/reclaim/swap_area.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

namespace mmsim {

class Machine;

/// What implementations are made of.
struct SwapSlotsMeans {
  Machine& machine;
  SpinLocks& locks;
};

/// Who names a slot.
enum class SwapUser : std::uint8_t { entry, cache };

/// What duplicate() came to.
enum class SwapDuplicate : std::uint8_t {
  done,
  unused, ///< ENOENT: the slot is free
  exists  ///< EEXIST: the swap cache has it, or somebody is about to put a page there
};

class SwapSlots {
 public:
  static constexpr std::string_view registry_path = "kernel.swap_slots";
  static constexpr std::uint32_t cluster = 256; // SWAPFILE_CLUSTER
  using Factory = std::function<std::unique_ptr<SwapSlots>(const SwapSlotsMeans&)>;

  virtual ~SwapSlots() = default;
  SwapSlots(const SwapSlots&) = delete;
  SwapSlots& operator=(const SwapSlots&) = delete;

  /// swapon(), before the machine runs.
  void add_area(std::uint32_t slots);

  /// A slot for the swap cache; none if there is no free one.
  [[nodiscard]] virtual SwapEntry get_swap_page(Core& core) = 0;
  /// swap_duplicate(), swapcache_prepare().
  [[nodiscard]] virtual SwapDuplicate duplicate(Core& core, SwapEntry entry, SwapUser user) = 0;
  /// swap_free(), put_swap_page(). True if nobody but the swap cache names the slot now.
  virtual bool put(Core& core, SwapEntry entry, SwapUser user) = 0;
  /// page_swapcount(): page-table entries that name the slot of a page in the swap cache.
  virtual std::uint32_t count(Core& core, SwapEntry entry) = 0;
  /// __swap_count(): the same of any slot, as it is at this instant, without a lock.
  std::uint32_t count_now(SwapEntry entry) const { return entries_of((*area(entry))[entry.offset()]); }
  /// valid_swaphandles() of 2.6.24: of the slots [begin, end) those in use around `entry`'s, without a gap.
  struct Run {
    std::uint32_t begin, end;
  };
  virtual Run used_around(Core& core, SwapEntry entry, Run within);

  const SwapArea* area(SwapEntry entry) const { return &areas_[entry.type()]; }
  const std::deque<SwapArea>& areas() const { return areas_; }
  /// total_swap_pages.
  std::uint64_t total() const { return total_; }
  /// nr_swap_pages, as it is at this instant.
  std::uint64_t free() const { return free_; }

  /// At a quiescent point. `entries` and `cached`: what names the slot. Throws Violation unless the word says so.
  void check(SwapEntry entry, std::uint32_t entries, bool cached) const;
  /// Slots that somebody names.
  std::uint64_t named() const;
  /// Throws Violation unless used, kept and free slots add up.
  void check_sums() const;

 protected:
  explicit SwapSlots(const SwapSlotsMeans& means) : means_(means) {}

  /// How many entries a word says there are, apart from the cache.
  virtual std::uint32_t entries_of(std::uint16_t usage) const = 0;
  virtual std::uint16_t usage_of(std::uint32_t entries, bool cached) const = 0;
  /// Slots that count as used but are kept for whoever asks next.
  virtual std::uint64_t kept() const { return 0; }
  virtual void area_added(SwapArea&) {}
  SwapArea& area_of(SwapEntry entry) { return areas_[entry.type()]; }

  SwapSlotsMeans means_;
  std::deque<SwapArea> areas_;
  std::uint64_t total_ = 0, free_ = 0;
};

} // namespace mmsim
