#include "models/reclaim/file.hpp"

#include "models/address_space/content_stamps.hpp"
#include "models/reclaim/page_cache.hpp"
#include "models/reclaim/radix_tree.hpp"
#include "models/scheduler/scheduler.hpp"

#include <bit>
#include <spdlog/fmt/fmt.h>
#include <stdexcept>

namespace mmsim {

File::File(PageCache& cache, std::string name, std::uint64_t pages)
    : name(std::move(name)), pages(pages), cache_(cache), levels_(radix_tree_levels(pages)),
      nodes_((pages + slots - 1) / slots) {
  PageCacheMeans& means = cache.means_;
  ra.ra_pages = cache.parameters_.readahead.value() / bytes_per_frame;
  if (cache.parameters_.lockless)
    i_pages_ = means.locks.make("i_pages", &line_);
  else
    tree_lock_ = std::make_unique<RwLock>(means.locks, means.machine, "tree_lock", &line_);
  if (cache.parameters_.i_mmap_lock == "spinlock")
    i_mmap_lock_ = means.locks.make("i_mmap_lock", &i_mmap_);
  else
    i_mmap_rwsem_ = std::make_unique<RwSemaphore>(means.locks, means.scheduler, "i_mmap_rwsem", &i_mmap_);
}

File::~File() = default;

File::Node& File::node_of(std::uint64_t pgoff) {
  std::unique_ptr<Node>& node = nodes_[pgoff / slots];
  if (node == nullptr) node = std::make_unique<Node>();
  return *node;
}

CachedPage* File::page_at(std::uint64_t pgoff) const {
  const std::unique_ptr<Node>& node = nodes_[pgoff / slots];
  return node == nullptr ? nullptr : node->pages[pgoff % slots];
}

// radix_tree_lookup(), xas_load(): from the root down.
CachedPage* File::look_up(Core& core, std::uint64_t pgoff) {
  core.charge(levels_ * core.costs().work.table_walk_level, Account::work);
  if (Node* node = nodes_[pgoff / slots].get()) core.read(node->line);
  return page_at(pgoff);
}

CachedPage* File::find_get_page(Core& core, std::uint64_t pgoff) {
  CachedPage* page;
  if (tree_lock_) {
    tree_lock_->read_lock_irqsave(core);
    page = look_up(core, pgoff);
    if (page != nullptr) {
      core.rmw(page->line); // page_cache_get()
      ++cache_.means_.pages[page->frame].refcount;
      ++page->holders;
    }
    tree_lock_->read_unlock_irqrestore(core);
    return page;
  }
  cache_.rcu_->read_lock(core);
  core.read(line_);
  for (;;) {
    page = look_up(core, pgoff);
    if (page == nullptr) break;
    core.rmw(page->line); // page_cache_get_speculative(), which fails if the count is frozen; xas_reload()
    if (page_at(pgoff) != page || cache_.means_.pages[page->frame].refcount == 0) continue;
    ++cache_.means_.pages[page->frame].refcount;
    ++page->holders;
    break;
  }
  core.settle();
  cache_.rcu_->read_unlock(core);
  return page;
}

void File::begin_walk(Core& core) {
  core.read(line_);
  core.charge(levels_ * core.costs().work.table_walk_level, Account::work);
}

CachedPage* File::next_page(Core& core, std::uint64_t pgoff) {
  core.read(nodes_[pgoff / slots]->line);
  CachedPage* page = page_at(pgoff);
  if (page == nullptr) return nullptr;
  core.rmw(page->line); // page_cache_get_speculative()
  if (page_at(pgoff) != page || cache_.means_.pages[page->frame].refcount == 0) return nullptr;
  ++cache_.means_.pages[page->frame].refcount;
  ++page->holders;
  return page;
}

void File::hand_over(CachedPage& page) { cache_.drop_holder(page); }

void File::put_page(Core& core, CachedPage& page) {
  core.rmw(page.line);
  const FrameNumber frame = page.frame;
  cache_.drop_holder(page);
  cache_.means_.lru.put_page(core, frame);
}

void File::lock_tree(Core& core) {
  if (tree_lock_)
    tree_lock_->write_lock_irqsave(core);
  else
    i_pages_->lock_irqsave(core);
}

void File::unlock_tree(Core& core) {
  if (tree_lock_)
    tree_lock_->write_unlock_irqrestore(core);
  else
    i_pages_->unlock_irqrestore(core);
}

CachedPage* File::add_to_page_cache_lru(Core& core, FrameNumber frame, std::uint64_t pgoff) {
  PageCacheMeans& means = cache_.means_;
  core.charge(core.costs().work.page_cache_add, Account::work);
  lock_tree(core);
  if (CachedPage* there = look_up(core, pgoff)) {
    (void)there;
    unlock_tree(core);
    return nullptr;
  }
  Node& node = node_of(pgoff);
  core.write(node.line);
  CachedPage& page = cache_.new_page(*this, frame, pgoff);
  means.pages[frame].flags |= PG_locked;
  ++page.holders;                // the caller's
  ++means.pages[frame].refcount; // page_cache_get(): the cache's
  node.pages[pgoff % slots] = &page;
  ++nrpages_;
  means.pages.count_page(core, frame, NR_FILE_PAGES, 1);
  unlock_tree(core);
  means.lru.lru_cache_add(core, frame);
  return &page;
}

void File::read_page(Core& core, CachedPage& page) {
  cache_.means_.pages[page.frame].flags &= ~std::uint32_t{PG_error}; // ClearPageError()
  cache_.disk_->submit(core, page, Transfer::read, Bytes(bytes_per_frame));
}

// With the page locked.
void File::delete_from_page_cache(Core& core, CachedPage& page) {
  core.charge(core.costs().work.page_cache_add, Account::work);
  lock_tree(core);
  take_out(core, page);
  unlock_tree(core);
}

// __delete_from_page_cache(), under the tree's lock.
void File::take_out(Core& core, CachedPage& page) {
  PageAllocator& pages = cache_.means_.pages;
  Node& node = node_of(page.index);
  const std::uint64_t bit = std::uint64_t{1} << page.index % slots;
  core.write(node.line);
  node.pages[page.index % slots] = nullptr;
  if ((node.dirty & bit) != 0) --tagged_dirty_;
  node.dirty &= ~bit;
  --nrpages_;
  page.mapping = nullptr;
  if (Frame& frame = pages[page.frame]; (frame.flags & PG_dirty) != 0) { // cancel_dirty_page()
    frame.flags &= ~std::uint32_t{PG_dirty};
    pages.count_page(core, page.frame, NR_FILE_DIRTY, -1);
  }
  pages.count_page(core, page.frame, NR_FILE_PAGES, -1);
}

void File::truncate(Task& task) {
  if (areas() > 0)
    throw std::logic_error(fmt::format("truncating the file {}, which {} areas map", name, areas()));
  for (std::uint64_t pgoff = 0; pgoff < pages; ++pgoff) {
    CachedPage* page = find_get_page(task.core(), pgoff);
    if (page == nullptr) continue;
    cache_.lock_page(task, *page);
    cache_.waits.wait_on_page_writeback(task, page->frame);
    if (page->mapping == this) {
      if (cache_.means_.pages.stamps != nullptr) cache_.means_.pages.stamps->truncated(*page);
      delete_from_page_cache(task.core(), *page);
      put_page(task.core(), *page); // the cache's
    }
    cache_.unlock_page(task.core(), *page);
    put_page(task.core(), *page);
  }
  task.core().settle();
}

} // namespace mmsim
