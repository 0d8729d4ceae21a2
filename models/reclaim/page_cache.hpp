// The page cache: all files, the disk that they are on, the wait queues of their pages.
//
//   File& data = system.page_cache.create("data", 256, InMemory::yes);   // before the machine runs
//   if (CachedPage* page = data.find_get_page(core, 17)) ...
//
// Files are made before the machine runs, with all their pages in memory (up to date, on the LRU, in turn on
// all nodes: as if processes everywhere had read them) or none. What a file does: file.hpp; locks of pages:
// page_lock.hpp; the disk: block_device.hpp; what is read with a page: readahead.hpp; what becomes of dirty
// pages: writeback.hpp.
#pragma once

#include "models/locks/rcu.hpp"
#include "models/reclaim/file.hpp"
#include "models/reclaim/lru.hpp"
#include "models/reclaim/page_lock.hpp"
#include "models/reclaim/page_run.hpp"

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mmsim {

class WriteBack;

struct PageCacheParameters {
  bool lockless;
  std::string i_mmap_lock;
  Bytes readahead;
  static void declare(Declaration& d, PageCacheParameters& p);
};
inline const DeclareParameters<PageCacheParameters> declared_page_cache_parameters;

/// What it is made of.
struct PageCacheMeans {
  Machine& machine;
  SpinLocks& locks;
  Scheduler& scheduler;
  BlockLayer& block;
  PageAllocator& pages;
  Lru& lru;
  const Configuration& configuration;
};

/// Whether a file's pages are in memory when the machine starts to run.
enum class InMemory : std::uint8_t { no, yes };

class PageCache {
 public:
  explicit PageCache(const PageCacheMeans& means);
  /// Look-ups are RCU readers.
  void connect(Rcu& rcu) { rcu_ = &rcu; }
  /// Dirty pages are its.
  void connect(WriteBack& writeback) { writeback_ = &writeback; }

  /// A file of `pages` pages. Before the machine runs. Throws InputError if they are to be in memory and
  /// there is not enough.
  File& create(std::string name, std::uint64_t pages, InMemory in_memory);

  /// Locks and write-back of all pages, cached or not.
  PageWaitTable waits;
  void lock_page(Task& task, CachedPage& page) { waits.lock_page(task, page.frame); }
  bool trylock_page(Core& core, CachedPage& page) { return waits.trylock_page(core, page.frame); }
  void unlock_page(Core& core, CachedPage& page) { waits.unlock_page(core, page.frame); }
  void wait_on_page_locked(Task& task, CachedPage& page) { waits.wait_on_page_locked(task, page.frame); }
  /// page->flags: of FrameFlag.
  std::uint32_t flags(const CachedPage& page) const { return means_.pages[page.frame].flags; }

  /// The CachedPage of a frame, with one holder more: new if it has none, and then links(frame).cached. For
  /// the swap cache, which sets `swap` and clears it.
  CachedPage& hold(FrameNumber frame);
  /// A holder less. The last one takes the CachedPage from its frame.
  void drop_holder(CachedPage& page);
  /// end_page_read(), end_swap_bio_read(): PG_uptodate or PG_error, unlocked. Of a page under PG_writeback
  /// end_page_writeback(): PG_error if it failed, and then what was in a file's page is lost, as in the
  /// kernel (AS_EIO), while one of the swap cache is dirty again (end_swap_bio_write()).
  void end_io(Core& core, CachedPage& page, bool failed);

  const PageCacheParameters& parameters() const { return parameters_; }
  /// Requests to read of the disk since the start.
  std::uint64_t reads() const { return disk_ ? disk_->reads() : 0; }
  /// What files are on; null if there are none.
  const BlockDevice* disk() const { return disk_ ? &*disk_ : nullptr; }
  /// In all files together.
  std::uint64_t nrpages() const;
  std::uint64_t dirty_pages() const;

  /// Shows every page that is in memory.
  template <class Visit>
  void for_each_page(Visit&& visit) const {
    for (const File& file : files_)
      for (const auto& node : file.nodes_) {
        if (node == nullptr) continue;
        for (const CachedPage* page : node->pages)
          if (page != nullptr) visit(*page);
      }
  }
  /// At a quiescent point: each page is in the slot that it says, is read and not locked, its frame is a
  /// file's and nobody but the cache has the page in hand; nrpages is their number. Throws Violation.
  void check_invariants() const;

 private:
  friend class File;
  friend class Bio;
  friend class PageRun;
  Bio& new_bio();
  void free_bio(Bio& bio) { idle_bios_.push_back(&bio); }
  CachedPage& new_page(File& file, FrameNumber frame, std::uint64_t pgoff);
  FrameNumber frame_at_boot(const File& file, std::uint64_t pgoff);

  PageCacheMeans means_;
  const PageCacheParameters parameters_;
  Rcu* rcu_ = nullptr;
  WriteBack* writeback_ = nullptr;
  std::optional<BlockDevice> disk_; // there once there are files
  std::deque<CachedPage> all_pages_;
  std::vector<CachedPage*> unused_;
  std::deque<Bio> bios_; // all that were ever under way at once
  std::vector<Bio*> idle_bios_;
  std::deque<File> files_;
};

} // namespace mmsim
