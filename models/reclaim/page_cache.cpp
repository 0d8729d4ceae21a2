#include "models/reclaim/page_cache.hpp"

#include "models/address_space/content_stamps.hpp"
#include "models/reclaim/writeback.hpp"

#include <spdlog/fmt/fmt.h>

namespace mmsim {

void PageCacheParameters::declare(Declaration& d, PageCacheParameters& p) {
  d("kernel.lockless_page_cache", p.lockless, true,
    "the page cache is looked up without its lock (RCU, and a reference that is taken on trust)",
    "since Linux 2.6.27; before it tree_lock is a rwlock that look-ups take for reading");
  d("kernel.i_mmap_lock", p.i_mmap_lock, "rwsem", "what guards the areas that map a file",
    "include/linux/fs.h: spinlock i_mmap_lock up to 2.6.39, mutex, rwsem i_mmap_rwsem since 3.19")
      .one_of({"spinlock", "rwsem"});
  d("kernel.readahead", p.readahead, "128 KiB", "the largest window that is read ahead of a file; 0 B: none",
    "VM_MAX_READAHEAD, include/linux/mm.h of 2.6.24; VM_READAHEAD_PAGES of 5.10");
}

PageCache::PageCache(const PageCacheMeans& means)
    : waits(means.machine.wait_names(), means.locks, means.scheduler, means.pages), means_(means),
      parameters_(read_parameters<PageCacheParameters>(means.configuration)) {}

File& PageCache::create(std::string name, std::uint64_t pages, InMemory in_memory) {
  File& file = files_.emplace_back(*this, std::move(name), pages);
  if (!disk_) {
    const DiskCosts& costs = means_.machine.costs().disk;
    disk_.emplace(means_.block, "disk",
                  Device::Speed{costs.read_bandwidth, costs.write_bandwidth, costs.latency},
                  read_parameters<DeviceFailureParameters>(means_.configuration).disk, costs.queue_depth);
    writeback_->start();
  }
  if (in_memory == InMemory::no) return file;
  for (std::uint64_t pgoff = 0; pgoff < pages; ++pgoff) {
    CachedPage& page = new_page(file, frame_at_boot(file, pgoff), pgoff);
    means_.pages[page.frame].flags |= PG_uptodate;
    if (means_.pages.stamps != nullptr) means_.pages.stamps->at_boot(page);
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
  CachedPage& page = hold(frame); // by the cache
  page.mapping = &file;
  page.index = pgoff;
  means_.pages[frame].flags |= PG_file;
  return page;
}

CachedPage& PageCache::hold(FrameNumber frame) {
  CachedPage*& cached = means_.pages.links(frame).cached;
  if (cached == nullptr) {
    if (unused_.empty()) unused_.push_back(&all_pages_.emplace_back(*this));
    cached = unused_.back();
    unused_.pop_back();
    cached->frame = frame;
  }
  ++cached->holders;
  return *cached;
}

void PageCache::drop_holder(CachedPage& page) {
  if (--page.holders != 0) return;
  CachedPage*& cached = means_.pages.links(page.frame).cached;
  if (cached != &page)
    throw std::logic_error("a CachedPage outlived its frame: somebody kept it without a reference");
  cached = nullptr;
  page.frame = no_frame;
  page.mapping = nullptr;
  page.swap = {};
  page.ahead = false;
  unused_.push_back(&page);
}

void CachedPage::end_io(Core& core, bool failed) { cache_.end_io(core, *this, failed); }

void PageCache::end_io(Core& core, CachedPage& page, bool failed) {
  const FrameNumber frame = page.frame;
  Frame& f = means_.pages[frame];
  if (failed) f.flags |= PG_error;
  if ((f.flags & PG_writeback) == 0) {
    if (!failed) f.flags |= PG_uptodate;
    if (!failed && means_.pages.stamps != nullptr) means_.pages.stamps->read_ended(page);
    waits.unlock_page(core, frame);
    return;
  }
  if (means_.pages.stamps != nullptr) means_.pages.stamps->write_ended(page, failed);
  if (failed && (f.flags & PG_swapcache) != 0) f.flags = (f.flags | PG_dirty) & ~std::uint32_t{PG_reclaim};
  const bool of_disk = page.mapping != nullptr;
  waits.end_page_writeback(core, frame);
  if (of_disk) writeback_->request_freed(core);
}

Bio& PageCache::new_bio() {
  if (idle_bios_.empty()) idle_bios_.push_back(&bios_.emplace_back(*this));
  Bio& bio = *idle_bios_.back();
  idle_bios_.pop_back();
  return bio;
}

std::uint64_t PageCache::nrpages() const {
  std::uint64_t all = 0;
  for (const File& file : files_)
    all += file.nrpages();
  return all;
}

std::uint64_t PageCache::dirty_pages() const {
  std::uint64_t dirty = 0;
  for_each_page([&](const CachedPage& page) { dirty += (flags(page) & PG_dirty) != 0; });
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
        // Without PG_uptodate only a page that the device has failed.
        const std::uint32_t done = frame.flags & (PG_uptodate | PG_error);
        const bool tagged = (file.nodes_[n]->dirty >> slot & 1) != 0;
        if (tagged != ((frame.flags & PG_dirty) != 0))
          throw Violation(fmt::format("page {} of the file {} has flags {:#x}, but is {}tagged as dirty",
                                      page->index, file.name, unsigned{frame.flags}, tagged ? "" : "not "));
        if (page->mapping != &file || page->index != n * File::slots + slot || page->holders != 1 ||
            means_.pages.links(page->frame).cached != page || frame.state != FrameState::allocated ||
            (frame.flags & PG_file) == 0 || done == 0 || (frame.flags & (PG_locked | PG_writeback)) != 0)
          throw Violation(fmt::format("slot {} of the file {} has frame {}: index {}, held by {}; the "
                                      "frame has state {}, flags {:#x}",
                                      n * File::slots + slot, file.name, page->frame.value(), page->index,
                                      page->holders, static_cast<int>(frame.state), unsigned{frame.flags}));
      }
    }
    if (found != file.nrpages())
      throw Violation(
          fmt::format("file {}: nrpages is {}, but {} are there", file.name, file.nrpages(), found));
  }
}

} // namespace mmsim
