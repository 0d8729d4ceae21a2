#include "models/reclaim/page_cache.hpp"

#include <spdlog/fmt/fmt.h>

namespace mmsim {

void PageCacheParameters::declare(Declaration& d, PageCacheParameters& p) {
  d("kernel.lockless_page_cache", p.lockless, true,
    "the page cache is looked up without its lock (RCU, and a reference that is taken on trust)",
    "since Linux 2.6.27; before it tree_lock is a rwlock that look-ups take for reading");
  d("kernel.i_mmap_lock", p.i_mmap_lock, "rwsem", "what guards the areas that map a file",
    "include/linux/fs.h: spinlock i_mmap_lock up to 2.6.39, mutex, rwsem i_mmap_rwsem since 3.19")
      .one_of({"spinlock", "rwsem"});
}

PageCache::PageCache(const PageCacheMeans& means)
    : means_(means), parameters_(read_parameters<PageCacheParameters>(means.configuration)),
      waits_(means.locks, means.scheduler) {}

File& PageCache::create(std::string name, std::uint64_t pages, InMemory in_memory) {
  File& file = files_.emplace_back(*this, std::move(name), pages);
  if (!disk_) disk_.emplace(means_.machine);
  if (in_memory == InMemory::no) return file;
  for (std::uint64_t pgoff = 0; pgoff < pages; ++pgoff) {
    CachedPage& page = new_page(file, frame_at_boot(file, pgoff), pgoff);
    page.uptodate = true;
    file.node_of(pgoff).pages[pgoff % File::slots] = &page;
    ++file.nrpages_;
    means_.lru.add_at_boot(page.frame);
    means_.pages.vm_stat().count_at_boot(means_.pages.layout().zone_of(page.frame), NR_FILE_PAGES, 1);
  }
  return file;
}

FrameNumber PageCache::frame_at_boot(const File& file, std::uint64_t pgoff) {
  const auto node = NodeId(static_cast<std::uint32_t>(pgoff % means_.pages.layout().nodes()));
  const FrameNumber frame = means_.pages.alloc_page_at_boot(node);
  if (frame != no_frame) return frame;
  throw InputError(
      fmt::format("the file {} has {} pages, for {} of which there is memory", file.name, file.pages, pgoff),
      means_.configuration.origin_of("machine.memory"));
}

CachedPage& PageCache::new_page(File& file, FrameNumber frame, std::uint64_t pgoff) {
  if (unused_.empty()) unused_.push_back(&all_pages_.emplace_back());
  CachedPage& page = *unused_.back();
  unused_.pop_back();
  page.frame = frame;
  page.mapping = &file;
  page.index = pgoff;
  page.locked = page.uptodate = page.dirty = page.waiters = false;
  page.holders = 1; // the cache
  means_.pages[frame].flags |= PG_file;
  return page;
}

void PageCache::drop_holder(CachedPage& page) {
  if (--page.holders == 0) unused_.push_back(&page);
}

std::uint64_t PageCache::nrpages() const {
  std::uint64_t all = 0;
  for (const File& file : files_)
    all += file.nrpages();
  return all;
}

std::uint64_t PageCache::dirty_pages() const {
  std::uint64_t dirty = 0;
  for_each_page([&](const CachedPage& page) { dirty += page.dirty; });
  return dirty;
}

void PageCache::check_invariants() const {
  for (const File& file : files_) {
    std::uint64_t found = 0;
    for (std::size_t n = 0; n < file.nodes_.size(); ++n) {
      if (file.nodes_[n] == nullptr) continue;
      for (std::uint64_t slot = 0; slot < File::slots; ++slot) {
        const CachedPage* page = file.nodes_[n]->pages[slot];
        if (page == nullptr) continue;
        ++found;
        const Frame& frame = means_.pages[page->frame];
        if (page->mapping != &file || page->index != n * File::slots + slot || page->locked ||
            !page->uptodate || page->waiters || page->holders != 1 || frame.state != FrameState::allocated ||
            (frame.flags & PG_file) == 0)
          throw Violation(fmt::format("slot {} of the file {} has frame {}: index {}, locked {}, up to date "
                                      "{}, waiters {}, held by {}; the "
                                      "frame has state {}, flags {:#x}",
                                      n * File::slots + slot, file.name, page->frame.value(), page->index,
                                      page->locked, page->uptodate, page->waiters, page->holders,
                                      static_cast<int>(frame.state), unsigned{frame.flags}));
      }
    }
    if (found != file.nrpages())
      throw Violation(
          fmt::format("file {}: nrpages is {}, but {} are there", file.name, file.nrpages(), found));
  }
}

} // namespace mmsim
