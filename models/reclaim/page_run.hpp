// Neighbouring pages of a file that are read or written by one request: a bio.
//
//   PageRun run(cache, Transfer::read);
//   run.add(task, page); // locked (or, to be written, under writeback); submits what is no neighbour first
//   run.submit(task); // before anything that waits for one of these pages
//
// Models what mpage_readpages() and mpage_writepages() make of pages in a row (fs/mpage.c): up to
// BIO_MAX_PAGES a bio, which ends with PageCache::end_io() of each page. The device's latency is paid once,
// its bandwidth for all.
#pragma once

#include "models/reclaim/block_device.hpp"

#include <cstdint>
#include <vector>

namespace mmsim {

class CachedPage;
class PageCache;
class Task;

/// A bio on its way.
class Bio final : public BlockRequest {
 public:
  explicit Bio(PageCache& cache) : cache_(cache) {}
  void end_io(Core& core, bool failed) override;

 private:
  friend class PageRun;
  PageCache& cache_;
  std::vector<CachedPage*> pages_;
};

class PageRun {
 public:
  static constexpr std::size_t max_pages = 256; ///< BIO_MAX_PAGES

  PageRun(PageCache& cache, Transfer transfer) : cache_(cache), transfer_(transfer) {}
  PageRun(const PageRun&) = delete;
  PageRun& operator=(const PageRun&) = delete;

  void add(Task& task, CachedPage& page);
  /// What there is goes to the disk. Of writes, once the queue has room: may sleep.
  void submit(Task& task);

 private:
  PageCache& cache_;
  const Transfer transfer_;
  Bio* bio_ = nullptr;
  std::uint64_t next_ = 0; // the index that would follow
};

} // namespace mmsim
