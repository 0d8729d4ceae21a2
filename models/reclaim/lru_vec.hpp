// The LRU lists of a zone or node, and the lock that they are under.
//
//   vec.lock(core);                              // spin_lock_irqsave(&zone->lru_lock)
//   vec.add(core, frame, LruList::inactive);
//   vec.unlock(core);
//
//   FrameList page_list;                         // isolated: with a reference, without PG_lru
//   const LruVec::Isolated some = vec.isolate(core, LruList::inactive, 32, ZoneType::movable, page_list);
//
// Models the lists of struct zone (2.6.24: active_list and inactive_list, add_page_to_active_list() and its
// kind, del_page_from_lru()) and of struct lruvec under pgdat->lru_lock (5.10: add_page_to_lru_list(),
// del_page_from_lru_list()). 2.6.24 has two lists for all pages; since 2.6.28 those of files have two of
// their own (LruLists::by_kind).
//
// In struct zone of 2.6.24 the lock and the heads of the lists are one cache line (between two
// ZONE_PADDINGs), so that those who try to take the lock disturb its holder. In 5.10 the lists are a memory
// cgroup's (mem_cgroup_per_node, arm64's defconfig has MEMCG), on a line of their own.
//
// Costs: lock and unlock; a write of the line of the heads; machine.work.lru_add or lru_del a page, and what
// struct_page_miss.hpp says for an added page and for neighbours on the list. The lines that the last step
// has written are with the core that made it. A page that goes has been met before the lock, when it was
// unmapped (gather.cpp) or its last reference dropped, and so have those neighbours that go with it: misses
// under the lock are the others' pages in between.
//
// Left out: the unevictable list, cgroups beside the first.
#pragma once

#include "models/locks/spinlock.hpp"
#include "models/pages/frame_list.hpp"
#include "models/pages/zone_sizes.hpp"
#include "sim/machine/cache_line.hpp"

#include <array>
#include <cstdint>
#include <memory>

namespace mmsim {

class Core;
class PageAllocator;

/// enum lru_list, as far as there are pages for it.
enum class LruList : std::uint8_t { inactive, active, inactive_file, active_file };
inline constexpr std::size_t lru_list_count = 4;
constexpr bool is_active(LruList list) { return list == LruList::active || list == LruList::active_file; }

/// Whether pages of files have lists of their own.
enum class LruLists : std::uint8_t { shared, by_kind };

/// Whether the heads of the lists share the lock's cache line.
enum class LruHeads : std::uint8_t { beside_lock, own_line };

class LruVec {
 public:
  /// `zone`: one whose memory is here, for what is counted by node.
  LruVec(PageAllocator& pages, SpinLocks& locks, LruHeads heads, LruLists lists, std::uint32_t zone);

  /// Takes lru_lock with irqs off, and the line of the heads with it.
  void lock(Core& core);
  void unlock(Core& core);

  // With the lock held:

  /// Sets PG_lru and puts the page at the list's head, or at its tail, where reclaim takes the next one.
  void add(Core& core, FrameNumber frame, LruList list, ListEnd end = ListEnd::front);
  /// Takes the page off its list and clears the flags that say so.
  void del(Core& core, FrameNumber frame);
  /// A page on a list, to which the caller has a reference, goes to the tail of the inactive one (pagevec_move_tail()).
  void move_tail(Core& core, FrameNumber frame);
  /// A page on a list, to which nobody need have a reference, changes to the head of the active or inactive one, or of
  /// its own. In one instant: whoever frees it meanwhile waits for the lock, and finds it on a list.
  void move(Core& core, FrameNumber frame, bool active);
  /// Puts an isolated page back to the list that its flags say.
  void putback(Core& core, FrameNumber frame) { add(core, frame, list_of(frames_[frame].flags)); }

  struct Isolated {
    std::uint32_t taken = 0;
    std::uint32_t scanned = 0; ///< looked at, those of too high zones included
  };
  /// isolate_lru_pages(): looks at `most` pages from the list's tail, but at none of a zone above `highest`. What it
  /// takes gets a reference, loses PG_lru (not PG_active) and goes to the head of `pages`; what is being freed goes to
  /// the list's other end.
  Isolated isolate(Core& core, LruList list, std::uint32_t most, ZoneType highest, FrameList& pages);
  /// NR_ISOLATED_ANON, NR_ISOLATED_FILE, where there are such (since 2.6.32).
  void count_isolated(Core& core, bool file, std::int32_t pages);

  /// A page that is there when the machine starts to run, at no cost and without the lock.
  void add_at_boot(FrameNumber frame);
  /// The list of a page with these flags.
  LruList list_of(std::uint32_t flags) const {
    const bool active = (flags & PG_active) != 0;
    if (kinds_ == LruLists::shared || (flags & PG_file) == 0)
      return active ? LruList::active : LruList::inactive;
    return active ? LruList::active_file : LruList::inactive_file;
  }
  const FrameList& list(LruList list) const { return lists_[static_cast<std::size_t>(list)]; }

 private:
  void update_lru_size(Core& core, FrameNumber frame, LruList list, std::int32_t one);
  Duration listed_miss(Core& core, std::uint32_t number) const;
  void met(Core& core, std::uint32_t one, std::uint32_t other);

  PageAllocator& allocator_;
  FrameTable& frames_;
  const LruLists kinds_;
  CacheLine heads_{"lru lists"};
  std::unique_ptr<SpinLock> lock_;
  const std::uint32_t zone_;
  std::array<FrameList, lru_list_count> lists_;
  std::array<std::uint32_t, 2> met_{}; // pages on the list whose links the last add or del has written
  CacheStamp met_when_{};
};

} // namespace mmsim
