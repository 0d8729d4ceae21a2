// The LRU: where user pages are listed for reclaim, and how they come there and go.
//
//   lru.lru_cache_add(core, frame);                  // a new page, anonymous or (PG_file) of a file
//   lru.lru_add_drain(core);                         // before pages are unmapped: empties the pagevec
//   lru.put_page(core, frame);                       // a reference; the last one takes it off and frees it
//   lru.free_pages_and_swap_cache(core, frames);     // a gather's references
//   lru.mark_page_accessed(core, frame);             // seen twice, it becomes active
//   lru.rotate_reclaimable_page(core, frame);        // written: to be freed next
//
// Models mm/swap.c and the end of mm/swap_state.c. A new page first goes to a pagevec of its core, which
// holds a reference to it. When the pagevec is full its pages go to their lists under lru_lock, and the
// references are dropped. So a page is off the LRU for a while, with one reference more than it has mappings:
// 5.10's do_wp_page(), which takes a page over only if nobody else has a reference, copies it then (5.18
// drains the pagevec first).
//
// What differs by version is an implementation each, one file: `zone` (lru_zone.cpp) and `node`
// (lru_node.cpp).
//
// Pages of files start on an inactive list, in both versions. 2.6.24 collects them and anonymous ones, which
// start on the active list, in two pagevecs (lru_cache_add(), lru_cache_add_active()).
//
// activate_page() takes lru_lock at once in 2.6.24 and has a pagevec since 2.6.39; pages whose write has ended are
// rotated by a pagevec in both (pagevec_move_tail()), in the interrupt that ends it. What reclaim itself does with the
// lists: vmscan.hpp, by LruVec.
//
// Left out: mlock and the unevictable list; lazily freed pages (MADV_FREE); deactivate_page() and deactivate_file_page()
// (MADV_COLD, invalidation), which nobody here calls; lru_add_drain_all() and other CPUs' pagevecs, which are emptied by their own CPU alone (reclaim of both kernels
// drains its own, too): at the end of a run they may hold pages that nobody maps any more; memory cgroups; workingset
// shadows and refaults.
#pragma once

#include "models/pages/page_allocator.hpp"
#include "models/reclaim/lru_vec.hpp"
#include "models/reclaim/pagevec.hpp"
#include "sim/engine/parameter.hpp"
#include "sim/engine/registry.hpp"

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace mmsim {

struct LruParameters {
  std::string implementation, new_anon;
  std::int64_t pagevec_size;
  static void declare(Declaration& d, LruParameters& p);
};

/// What implementations are made of.
struct LruMeans {
  Machine& machine;
  SpinLocks& locks;
  PageAllocator& pages;
  const LruParameters& parameters;
};

class Lru {
 public:
  static constexpr std::string_view registry_path = "kernel.lru";
  using Factory = std::function<std::unique_ptr<Lru>(const LruMeans&)>;

  virtual ~Lru() = default;
  Lru(const Lru&) = delete;
  Lru& operator=(const Lru&) = delete;

  // In the order in which a page meets them:

  /// lru_cache_add_active() (2.6.24), lru_cache_add() (5.10): a page that is on no list. Its reference count,
  /// which others may look at, goes up; the caller has not shown the page to anybody, or has settled.
  void lru_cache_add(Core& core, FrameNumber frame);
  /// A page of a file that is there when the machine starts to run, on its list at no cost.
  void add_at_boot(FrameNumber frame) { vecs_[vec_of(frame)]->add_at_boot(frame); }
  /// Empties the core's pagevec.
  void lru_add_drain(Core& core);
  /// Drops a reference. With the last one the page leaves the LRU and is free. For any page, of tables too.
  void put_page(Core& core, FrameNumber frame);
  /// The references that a gather holds. `frames` is scratch afterwards.
  virtual void free_pages_and_swap_cache(Core& core, std::span<FrameNumber> frames) = 0;

  /// Pages on a list of all zones or nodes together.
  std::uint64_t size(LruList list) const;

  /// What check_invariants() has found.
  struct Census {
    std::uint64_t listed = 0;                                    ///< pages on lists
    std::unordered_map<std::uint32_t, std::int32_t> in_pagevecs; ///< references of pagevecs, by frame
    std::unordered_set<std::uint32_t> on_their_way; ///< of them, those that are not on a list yet
  };
  /// mark_page_accessed(): sets PG_referenced, of a page that has it and is on an inactive list PG_active.
  void mark_page_accessed(Core& core, FrameNumber frame);
  /// rotate_reclaimable_page(): the write that reclaim has begun is over; unless the page is used again, it is to be
  /// the next to be freed. With irqs on or off, in interrupt handlers too.
  void rotate_reclaimable_page(Core& core, FrameNumber frame);
  /// pagevec_release(): drains the core's pagevecs and drops a reference of each page.
  void pagevec_release(Core& core, Pagevec& pagevec);

  // For reclaim: the lists of zone or node `vec`.

  LruVec& vec(std::uint32_t vec) { return *vecs_[vec]; }
  std::uint32_t vecs() const { return static_cast<std::uint32_t>(vecs_.size()); }
  /// Whether there are lists a zone (2.6.24), or lists a node, with those of files apart (5.10).
  LruLists lists() const { return kinds_; }
  std::uint32_t pagevec_size() const { return pagevec_size_; }

  /// At a quiescent point: the lists' links hold, every page on one is allocated and says so, and is mapped, a file's,
  /// in the swap cache, or held by a pagevec alone; those on their way to a list are on none. Throws Violation.
  Census check_invariants() const;

 protected:
  /// zone_of_vec[i] is a zone whose pages are on the lists `i`.
  Lru(const LruMeans& means, LruHeads heads, LruLists lists, std::span<const std::uint32_t> zone_of_vec);

  /// Which lists a page belongs to.
  virtual std::uint32_t vec_of(FrameNumber frame) const = 0;
  /// release_pages(): a reference of each; pages without any are taken off the LRU, by as few acquisitions as
  /// the version manages, and freed. `frames` is scratch afterwards.
  virtual void release_pages(Core& core, std::span<FrameNumber> frames) = 0;

  /// activate_page() of a page that is on an inactive list.
  virtual void activate_page(Core& core, FrameNumber frame) = 0;
  /// __activate_page() (activate_page() of 2.6.24): with its lists' lock held, of a page that may have left them.
  void activate_locked(Core& core, LruVec& vec, FrameNumber frame);
  /// pagevec_lru_move_fn(): `move(vec, frame)` with the lock of its lists for each page, whose reference is dropped
  /// then.
  template <class Move>
  void pagevec_lru_move(Core& core, Pagevec& pagevec, Move&& move);
  /// activate_page's pagevec of the core (5.10).
  Pagevec& activations(Core& core) { return pagevecs_[core.id().value()].activate; }
  void drain_activations(Core& core);

  /// put_page_testzero().
  bool put_testzero(Core& core, Frame& page);

  const std::uint32_t pagevec_size_;
  PageAllocator& pages_;
  std::vector<std::unique_ptr<LruVec>> vecs_;

 private:
  /// lru_add_pvecs and lru_add_active_pvecs, of which 5.10 uses the first for both; activate_page_pvecs (5.10);
  /// lru_rotate_pvecs, under irqs off.
  struct Pagevecs {
    Pagevec inactive, active, activate, rotate;
    Pagevec& of(LruList list) { return list == LruList::active ? active : inactive; }
  };
  void pagevec_lru_add(Core& core, Pagevec& pagevec);
  void pagevec_move_tail(Core& core, Pagevec& pagevec);
  /// On which list a new page begins.
  LruList first_list(const Frame& page) const {
    const bool file = (page.flags & PG_file) != 0 && kinds_ == LruLists::by_kind;
    if ((page.flags & PG_active) != 0) return file ? LruList::active_file : LruList::active;
    if ((page.flags & PG_file) == 0) return new_anon_;
    return file ? LruList::inactive_file : LruList::inactive;
  }
  void check_list(std::uint32_t vec, LruList which, const Census& census) const;
  void count_pagevecs(Census& census) const;

  const LruLists kinds_;
  const LruList new_anon_;
  std::vector<Pagevecs> pagevecs_; // by core
};

inline const DeclareParameters<LruParameters> declared_lru_parameters;

} // namespace mmsim
