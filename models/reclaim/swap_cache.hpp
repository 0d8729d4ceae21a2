// The swap cache: pages of anonymous memory that have a slot, by slot.
//
//   cache.add_to_swap_cache(core, frame, entry);              // false: another page is there
//   CachedPage* page = cache.find_get_page(core, entry);      // with a reference, or null
//   cache.delete_from_swap_cache(core, frame);                // with the page locked
//
// Models mm/swap_state.c: swapper_space, an address_space whose tree has an entry a slot. What it costs is as with a
// file (file.hpp): the tree's root and its lock on one line, a line for each lowest node, a line for each page.
// 2.6.24 has one for all areas, with tree_lock, a rwlock; 5.10 one for every 64 MiB of an area (kernel.swap_space),
// with i_pages, a spinlock, and look-ups under RCU (kernel.lockless_page_cache chooses). Whoever has a page here counts
// as a holder of its CachedPage, as with files; the cache is one.
//
// Left out: shadow entries (workingset), memory for nodes, swap_address_space as something that can be torn down.
#pragma once

#include "models/locks/rw_lock.hpp"
#include "models/locks/spinlock.hpp"
#include "models/reclaim/page_cache.hpp"
#include "models/reclaim/swap_slots.hpp"

#include <array>
#include <deque>
#include <memory>
#include <vector>

namespace mmsim {

class System;

class SwapCache {
 public:
  /// For the areas of `slots`, all of which are there. `space`: so much of an area has a tree of its own; 0: all have
  /// one together.
  SwapCache(System& system, const SwapSlots& slots, Bytes space);

  /// Takes a reference for the cache. The page is locked; it says PG_swapcache from now on. False: EEXIST.
  [[nodiscard]] bool add_to_swap_cache(Core& core, FrameNumber frame, SwapEntry entry);
  /// The page leaves, and the cache's reference with it; the slot remains the caller's. The page is locked.
  SwapEntry delete_from_swap_cache(Core& core, FrameNumber frame);
  /// The same if it is clean and has exactly two references, the cache's and the caller's: __remove_mapping(). None
  /// else.
  [[nodiscard]] SwapEntry freeze_and_delete(Core& core, FrameNumber frame);
  /// The same whether it is clean or not, for remove_exclusive_swap_page().
  [[nodiscard]] SwapEntry delete_if_exclusive(Core& core, FrameNumber frame);
  /// Null if it is not there. Whoever gets one gives it back by put_page() or hand_over().
  [[nodiscard]] CachedPage* find_get_page(Core& core, SwapEntry entry);
  void put_page(Core& core, CachedPage& page);
  /// The reference is a mapping's now.
  void hand_over(CachedPage& page);
  /// The tree's tags while a page is written, where the version has them (to 3.x): under the lock.
  void tag_writeback(Core& core, FrameNumber frame);

  /// Takes no time.
  CachedPage* page_at(SwapEntry entry) const;
  /// total_swapcache_pages.
  std::uint64_t nrpages() const { return nrpages_; }
  template <class Visit>
  void for_each_page(Visit&& visit) const {
    for (const Space& space : spaces_)
      for (const auto& node : space.nodes) {
        if (node == nullptr) continue;
        for (CachedPage* page : node->pages)
          if (page != nullptr) visit(*page);
      }
  }

 private:
  static constexpr std::uint64_t slots_a_node = 64;
  struct Node {
    CacheLine line{"radix_tree_node"};
    std::array<CachedPage*, slots_a_node> pages{};
  };
  struct Space {
    CacheLine line{"swapper_space"};
    std::unique_ptr<RwLock> tree_lock;
    std::unique_ptr<SpinLock> i_pages;
    std::vector<std::unique_ptr<Node>> nodes; // the lowest, made at their first page and kept
    int levels = 1;
  };
  /// Where a slot's page stands.
  struct Place {
    Space& space;
    std::unique_ptr<Node>& node;
    std::size_t index;
  };
  Place place_of(SwapEntry entry);
  CachedPage* look_up(Core& core, const Place& place);
  void lock(Core& core, Space& space);
  void unlock(Core& core, Space& space);
  template <class May>
  SwapEntry remove_if(Core& core, FrameNumber frame, May&& may);
  CachedPage& page_of(FrameNumber frame) const;

  System& system_;
  const std::uint64_t slots_a_space_; // 0: one space for all
  std::vector<std::uint64_t> first_;  // by area: its first space, or with one for all its first slot there
  std::deque<Space> spaces_;
  std::uint64_t nrpages_ = 0;
};

} // namespace mmsim
