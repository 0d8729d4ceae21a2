// The buddy system: free memory as blocks of 2^order frames, split on demand and merged with their buddies
// when freed, on lists by migrate type.
//
//   Buddy buddy(frames, {FrameNumber(1024), 4096, 4096}, mobility, vm_total_pages);
//   auto taken = buddy.take(0, MigrateType::unmovable);
//   unsigned merges = buddy.put(taken.frame, 0);
//
// Models free_area[], __rmqueue_smallest() with expand(), __rmqueue(), move_freepages_block() and
// __free_one_page() of mm/page_alloc.c (2.6.24, 5.10): the first block of the smallest sufficient order is
// taken, its lower half kept at each split; a freed block merges as long as its buddy (number ^ 2^order) is
// free and of the same order, and goes on the list of its pageblock's type: in front, or since 2.6.35 at the
// back if the block that it would be half of could merge as well (buddy_merge_likely()). What happens if a
// type has no block is the kernel version's rule, in page_mobility.hpp. A data structure without time: it
// says how many steps it made, the caller charges them and holds the lock.
//
// Blocks of the highest order that nobody has used yet are movable and stand behind those on that list,
// lowest number first, without being on it: nothing is touched at the start, and an idle terabyte costs
// nothing. That is the order in which 5.10 hands out memory after boot (2.6.24 began at the top).
//
// Left out: isolated pageblocks and CMA, shuffling, FPI_TO_TAIL.
#pragma once

#include "models/pages/frame.hpp"
#include "models/pages/frame_list.hpp"
#include "models/pages/pageblocks.hpp"

#include <array>
#include <memory>

namespace mmsim {

class PageMobility;
struct PageMobilityParameters;

class Buddy {
 public:
  /// MAX_ORDER - 1 of both kernels: blocks of 4 MiB.
  static constexpr unsigned max_order = 10;
  static constexpr std::uint32_t max_block = std::uint32_t{1} << max_order;

  struct Extent {
    FrameNumber first;     ///< a multiple of max_block above 0
    std::uint32_t managed; ///< frames that are free at the start
    std::uint32_t spanned; ///< frames of the zone; those behind the managed ones are never free
  };
  /// `frames` must reach to the next multiple of max_block and outlive this. `vm_total_pages` are the pages
  /// of the machine: few of them disable grouping by mobility.
  Buddy(FrameTable& frames, const Extent& extent, const PageMobilityParameters& mobility,
        std::uint64_t vm_total_pages = UINT64_MAX);
  /// `count` frames, grouped as 5.10 does it.
  Buddy(FrameTable& frames, FrameNumber first, std::uint32_t count);
  ~Buddy();
  Buddy(const Buddy&) = delete;
  Buddy& operator=(const Buddy&) = delete;

  /// What move_freepages_block() did. All zero if the zone's end cuts the pageblock.
  struct Moved {
    std::uint32_t frames = 0;  ///< in the free blocks that changed their list
    std::uint16_t blocks = 0;  ///< number of these
    std::uint16_t scanned = 0; ///< struct pages looked at
    std::uint32_t movable = 0; ///< frames in use that are on the LRU
  };
  struct Taken {
    FrameNumber frame; ///< first of the block; no_frame if no block was large enough
    std::uint16_t splits = 0;
    // If the type had no block and another's was taken:
    std::uint16_t moved = 0;   ///< free blocks that changed their list
    std::uint16_t scanned = 0; ///< struct pages that a look at the whole pageblock met
    bool fell_back = false;
    bool boost_watermark = false; ///< 5.10: boost_watermark() is due
  };

  /// __rmqueue(): a block of 2^order frames, of which the first knows its order and, as `flags` until the
  /// caller clears them, the type that it was taken for (set_pcppage_migratetype()). It is nobody's (`part`)
  /// until the caller says whose. `no_fragment` is ALLOC_NOFRAGMENT: of other types whole pageblocks only.
  Taken take(unsigned order, MigrateType type, bool no_fragment = false) {
    const MigrateType group = group_of(type);
    const Split first = split_smallest(order, group);
    if (first.frame != no_frame) [[likely]]
      return {.frame = first.frame, .splits = static_cast<std::uint16_t>(first.splits)};
    return fall_back(order, group, no_fragment);
  }
  /// __rmqueue_smallest(): of this very type or not at all.
  Taken take_smallest(unsigned order, MigrateType type) {
    const Split taken = split_smallest(order, type);
    return {.frame = taken.frame, .splits = static_cast<std::uint16_t>(taken.splits)};
  }
  /// Frees a block that was taken. Returns how many times it merged.
  unsigned put(FrameNumber frame, unsigned order) { return put(frame, order, blocks_.type_of(frame)); }
  /// 5.10's per-CPU lists remember the type that the pageblock had when the frame came to them.
  unsigned put(FrameNumber frame, unsigned order, MigrateType type);

  FrameNumber first() const { return first_; }
  FrameNumber end() const { return first_ + count_; }
  std::uint32_t managed_frames() const { return count_; }
  std::uint32_t free_frames() const { return free_; }
  /// Free blocks of exactly that order, unused ones included: nr_free, what /proc/buddyinfo shows.
  std::uint32_t free_blocks(unsigned order) const;
  /// Those on the list of that type: what /proc/pagetypeinfo shows.
  std::uint32_t free_blocks(unsigned order, MigrateType type) const {
    return lists_[index(type)][order].size() +
           (order == max_order && type == MigrateType::movable ? (unused_end_ - unused_) >> max_order : 0);
  }
  const Pageblocks& pageblocks() const { return blocks_; }
  /// The list that serves requests of that type: gfpflags_to_migratetype() where grouping is disabled.
  MigrateType group_of(MigrateType type) const { return blocks_.groups()[index(type)]; }
  /// The kernel version's rule, with its reserves.
  PageMobility& mobility() { return *mobility_; }
  const PageMobility& mobility() const { return *mobility_; }

  /// What one walk over the touched blocks has found, in frames.
  struct Census {
    std::uint64_t free = 0, per_cpu = 0, allocated = 0;
  };
  /// Walks over all blocks that were ever used: they must cover the memory without gap or overlap, and those
  /// that are free must be what the lists hold, each on the list of its order and type. Throws Violation with
  /// the values.
  Census check() const;

  // The steps of which a PageMobility makes its rule:

  /// The first block of a list; no_frame if it is empty.
  FrameNumber front(unsigned order, MigrateType type) {
    FrameList& list = lists_[index(type)][order];
    if (list.empty() && order == max_order && type == MigrateType::movable) use_next();
    return list.front();
  }
  /// The first block of a list other than `own`; no_frame if there is none, or only blocks that nobody has used.
  FrameNumber front_beside(unsigned order, MigrateType type, FrameNumber own) const {
    const FrameNumber first = lists_[index(type)][order].front();
    return first == own && own != no_frame ? FrameNumber(frames_[own].next) : first;
  }
  /// Takes a block of 2^order out of the free block `frame`; what is left goes on the lists of `type`.
  Taken split(FrameNumber frame, unsigned order, MigrateType type);
  /// move_to_free_list().
  void move(FrameNumber block, MigrateType type);
  /// move_freepages_block(): all free blocks of the pageblock that `frame` is in.
  Moved move_pageblock(FrameNumber frame, MigrateType type);
  /// Puts the unused memory up to the pageblock of `frame` on the lists.
  void use_up_to(FrameNumber frame);
  Pageblocks& pageblocks() { return blocks_; }

 private:
  struct Split { // in one register; of a larger Taken only what is used is made, in the caller
    FrameNumber frame;
    std::uint32_t splits;
  };
  using FreeBlocks = std::array<std::array<std::uint32_t, max_order + 1>, migrate_type_count>; // as lists_

  Buddy(FrameTable& frames, const Extent& extent, unsigned pageblock_order,
        std::unique_ptr<PageMobility> mobility, std::uint64_t vm_total_pages);
  void add(FrameNumber frame, unsigned order, MigrateType type, ListEnd end = ListEnd::front);
  void use_next();
  Split split_smallest(unsigned order, MigrateType type);
  Taken fall_back(unsigned order, MigrateType type, bool no_fragment);
  unsigned expand(FrameNumber frame, unsigned larger, unsigned order, MigrateType type);
  bool merge_likely(std::uint32_t block, unsigned order) const;
  void walk(std::uint32_t from, std::uint32_t to, Census& census, FreeBlocks& free_blocks) const;
  void check_list(unsigned order, MigrateType type, std::uint32_t found) const;

  FrameTable& frames_;
  const FrameNumber first_;
  const std::uint32_t count_;
  std::uint32_t free_ = 0;
  std::uint32_t unused_;           // next block of the highest order that nobody has used
  const std::uint32_t unused_end_; // of those blocks; smaller ones follow where the memory ends unevenly
  std::unique_ptr<PageMobility> mobility_;
  const bool tail_if_merge_likely_;
  const ListEnd moved_to_;
  // A free block notes in its `flags` on which of these it is.
  std::array<std::array<FrameList, max_order + 1>, migrate_type_count> lists_; // by type, order
  Pageblocks blocks_;
};

} // namespace mmsim
