// A file as memory management knows it: an inode's address_space, with the pages that are in memory.
//
//   CachedPage* page = file.find_get_page(core, pgoff);     // with a reference, or null
//   CachedPage* page = file.add_to_page_cache_lru(core, frame, pgoff);  // a new page, locked; null:
//                                                           // another was faster
//   file.read_page(core, *page);                            // unlocked by the interrupt that ends the read
//   file.put_page(core, *page);
//
// Models struct address_space and mm/filemap.c as far as mapped files need them:
// - The pages stand in a tree of nodes of 64 slots. Its root, nrpages and the tree's lock are on one line of
//   the file; each lowest node is a line. 5.10 (kernel.lockless_page_cache, since 2.6.27): look-ups take no
//   lock (RCU), but an atomic reference on the page, and look at the slot again; changes are under the
//   spinlock i_pages with irqs off. 2.6.24: tree_lock is a rwlock, which look-ups take for reading; both with
//   irqs off.
// - A page's own line ("struct page") takes its references and its lock (cached_page.hpp), so that a page
//   that many want is contended for.
// - The cache holds one reference on each page. Pages go to the LRU by the core's pagevec.
// - i_mmap, the areas that map the file, is an interval tree of their pages (since 3.7; a prio_tree from
//   2.6.7 on, with the same order of steps; lists before, which are left out) under a lock of its own: a
//   spinlock in 2.6.24, a rw_semaphore since 3.19 (kernel.i_mmap_lock).
//
// What is dirty is written back (writeback.hpp), what is read brings its neighbours along (readahead.hpp),
// and reclaim takes pages out again (remove_mapping()), so that any page may be gone when it is looked for
// again.
//
// Left out: shadow entries, huge pages, slab objects of tree nodes, read() and write(), msync() and fsync(),
// i_size (a file has the size that it was made with).
#pragma once

#include "models/address_space/vma.hpp"
#include "models/locks/rw_lock.hpp"
#include "models/locks/rw_semaphore.hpp"
#include "models/locks/spinlock.hpp"
#include "models/reclaim/cached_page.hpp"
#include "models/reclaim/readahead.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace mmsim {

class PageCache;
class Task;

class File {
 public:
  /// Of `pages` pages, none of them in memory. Made by PageCache::create().
  File(PageCache& cache, std::string name, std::uint64_t pages);
  ~File();
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  const std::string name;
  const std::uint64_t pages;
  std::uint64_t nrpages() const { return nrpages_; }

  // Pages. Whoever gets one here gives it back by put_page().

  CachedPage* find_get_page(Core& core, std::uint64_t pgoff);
  /// Page `pgoff` becomes `frame`, whose reference goes to the caller: locked, not read yet, on its way to
  /// the LRU. Null (EEXIST) if there is one already: the frame stays the caller's.
  CachedPage* add_to_page_cache_lru(Core& core, FrameNumber frame, std::uint64_t pgoff);
  /// readpage() of a locked page.
  void read_page(Core& core, CachedPage& page);
  /// page_cache_release(), put_page().
  void put_page(Core& core, CachedPage& page);
  /// The reference is somebody else's now: a mapping's.
  void hand_over(CachedPage& page);
  /// A walk over neighbouring pages (xas_for_each()), inside an RCU reader: to the first one's node,
  void begin_walk(Core& core);
  /// and one page after the other, as find_get_page(), from where the walk is.
  CachedPage* next_page(Core& core, std::uint64_t pgoff);
  /// A page that is known to be in memory, since it is mapped or a reference is held. Takes no time.
  CachedPage* page_at(std::uint64_t pgoff) const;

  // Dirty pages and their way to the disk (file_dirty.cpp), all but the first with the page's lock.

  /// set_page_dirty(): true if it was clean; then it counts, is marked in the tree, and so is the file.
  bool set_page_dirty(Core& core, CachedPage& page);
  /// clear_page_dirty_for_io(): no entry may write to it any more without a fault (page_mkclean()); false if
  /// it is clean. May sleep.
  [[nodiscard]] bool clear_page_dirty_for_io(Task& task, CachedPage& page);
  /// set_page_writeback(), and the page is unlocked: the caller submits it. Its end is PageCache::end_io().
  void start_writeback(Core& core, CachedPage& page);
  /// writepage() of a locked page on behalf of reclaim: clear_page_dirty_for_io(), if the caller has not done
  /// that, PG_writeback until the disk has it; unlocks it. PG_reclaim is the caller's to set. May sleep.
  void writepage(Task& task, CachedPage& page);
  /// __remove_mapping(): takes a clean page that only the cache and the caller have out of the cache, for
  /// good: the caller's reference is the last one then, and whoever frees the page unlocks it first. False if
  /// somebody else has it, or it is dirty.
  [[nodiscard]] bool remove_mapping(Core& core, CachedPage& page);
  /// find_get_pages_tag(PAGECACHE_TAG_DIRTY) from `pgoff` on, which becomes the page behind the last one
  /// found. How many, each with a reference.
  std::size_t find_get_pages_dirty(Core& core, std::uint64_t& pgoff, std::span<CachedPage*> found);
  /// Pages with the tag.
  std::uint64_t tagged_dirty() const { return tagged_dirty_; }

  // Read-ahead (readahead.hpp).

  /// Of the one open file that all mappings share.
  FileRaState ra;
  /// do_page_cache_ra(), __do_page_cache_readahead(): reads those of `pages` pages from `pgoff` on that are
  /// not in memory, neighbours in one request; the one that is `lookahead` before the end gets PG_readahead.
  /// `wanted` is the page that a task waits for. Does not wait for the disk, but may sleep for memory.
  void page_cache_ra(Task& task, std::uint64_t pgoff, std::uint64_t pages, std::uint64_t lookahead,
                     std::uint64_t wanted);
  /// ClearPageReadahead(); false for a page under writeback, of which the bit says something else.
  bool clear_readahead(Core& core, CachedPage& page);
  /// page_cache_next_miss(): the first page from `pgoff` on that is not in memory, `most` further at most.
  std::uint64_t next_miss(Core& core, std::uint64_t pgoff, std::uint64_t most);
  /// page_cache_prev_miss() likewise, downwards: how many pages below `pgoff` are in memory.
  std::uint64_t history(Core& core, std::uint64_t pgoff, std::uint64_t most);

  /// truncate_inode_pages(): all pages leave the cache; those that nobody else has are free. Throws
  /// std::logic_error if an area maps the file (unmap_mapping_range() would need the reverse map). May sleep.
  void truncate(Task& task);

  // Areas.

  /// get_file(): an area has it.
  void get(Core& core) { core.rmw(f_count_); }
  /// fput() of an area.
  void put(Core& core) { core.rmw(f_count_); }
  /// __vma_link_file() under i_mmap's lock. May sleep.
  void link_area(Task& task, Vma& vma);
  /// unlink_file_vma() likewise.
  void unlink_area(Task& task, Vma& vma);
  /// Before and after its ends or its pgoff change: out of the tree and in again, with the lock, which is
  /// held in between. `other`, or null, maps the file too, and changes with it.
  void begin_update(Task& task, Vma& vma, Vma* other);
  void end_update(Task& task, Vma& vma, Vma* other);
  /// i_mmap_lock_write(), or i_mmap_lock. May sleep.
  void i_mmap_lock_write(Task& task);
  void i_mmap_unlock_write(Task& task);
  /// i_mmap_lock_read(), or i_mmap_lock. May sleep.
  void i_mmap_lock_read(Task& task);
  void i_mmap_unlock_read(Task& task);
  /// vma_interval_tree_foreach() with that lock: calls visit(Vma&) for the areas that map page `pgoff`, until
  /// one says false. False if one did.
  template <class Visit>
  bool for_each_area(std::uint64_t pgoff, Visit&& visit) const {
    return areas_.for_each(pgoff, visit);
  }
  std::uint64_t areas() const { return areas_.size(); }

 private:
  friend class PageCache;
  friend class PageWaitTable;
  friend class WriteBack;
  static constexpr std::uint64_t slots = 64; // RADIX_TREE_MAP_SIZE, XA_CHUNK_SIZE
  struct Node {
    CacheLine line{"radix_tree_node"};
    std::array<CachedPage*, slots> pages{};
    std::uint64_t dirty = 0; // PAGECACHE_TAG_DIRTY, by slot
  };

  Node& node_of(std::uint64_t pgoff);
  CachedPage* look_up(Core& core, std::uint64_t pgoff);
  void lock_tree(Core& core);
  void unlock_tree(Core& core);
  void delete_from_page_cache(Core& core, CachedPage& page);
  void take_out(Core& core, CachedPage& page);
  std::uint64_t next_tagged(std::uint64_t pgoff) const;
  bool in_memory(Core& core, std::uint64_t pgoff);

  PageCache& cache_;
  const int levels_;
  CacheLine line_{"i_pages"};                // of the tree's root and lock
  std::unique_ptr<RwLock> tree_lock_;        // 2.6.24
  std::unique_ptr<SpinLock> i_pages_;        // 5.10
  std::vector<std::unique_ptr<Node>> nodes_; // the lowest, made at their first page and kept
  std::uint64_t nrpages_ = 0, tagged_dirty_ = 0;
  // Write-back's (writeback.hpp): the inode's I_DIRTY_PAGES and I_SYNC, and where the next turn begins.
  bool inode_dirty_ = false, inode_sync_ = false;
  std::uint64_t writeback_index_ = 0;
  CacheLine f_count_{"f_count"};
  CacheLine i_mmap_{"i_mmap"};
  std::unique_ptr<SpinLock> i_mmap_lock_;
  std::unique_ptr<RwSemaphore> i_mmap_rwsem_;
  IntervalTree<Vma> areas_;
};

} // namespace mmsim
