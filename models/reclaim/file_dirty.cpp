// Dirty pages of a file, and pages that leave it: mm/page-writeback.c and __remove_mapping() of mm/vmscan.c.
#include "models/reclaim/page_cache.hpp"
#include "models/reclaim/writeback.hpp"
#include "models/scheduler/task.hpp"

#include <bit>

namespace mmsim {

// __set_page_dirty_nobuffers().
bool File::set_page_dirty(Core& core, CachedPage& page) {
  core.rmw(page.line); // TestSetPageDirty()
  Frame& frame = cache_.means_.pages[page.frame];
  // It is not the next to go any more, and PG_readahead that nobody has met must not be taken for that. (2.6.24 leaves
  // it to the end of the write, which does not move a dirty page.)
  frame.flags &= ~std::uint32_t{PG_reclaim};
  if ((frame.flags & PG_dirty) != 0) return false;
  frame.flags |= PG_dirty;
  lock_tree(core);
  cache_.means_.pages.count_page(core, page.frame, NR_FILE_DIRTY, 1); // account_page_dirtied()
  cache_.writeback_->account_page_dirtied(core);
  Node& node = node_of(page.index);
  core.write(node.line);
  const std::uint64_t bit = std::uint64_t{1} << page.index % slots;
  if (page.mapping == this && (node.dirty & bit) == 0) {
    node.dirty |= bit;
    ++tagged_dirty_;
  }
  unlock_tree(core);
  cache_.writeback_->mark_inode_dirty(core, *this);
  return true;
}

bool File::clear_page_dirty_for_io(Task& task, CachedPage& page) {
  Frame& frame = cache_.means_.pages[page.frame];
  if ((frame.flags & PG_dirty) == 0) return false;
  if (frame.mapcount > 0 && cache_.writeback_->page_mkclean(task, page.frame))
    set_page_dirty(task.core(), page);
  task.core().rmw(page.line); // TestClearPageDirty()
  if ((frame.flags & PG_dirty) == 0) return false;
  frame.flags &= ~std::uint32_t{PG_dirty};
  cache_.means_.pages.count_page(task.core(), page.frame, NR_FILE_DIRTY, -1);
  return true;
}

// set_page_writeback() of 5.10 clears the tag of a page that has not become dirty again.
void File::start_writeback(Core& core, CachedPage& page) {
  lock_tree(core);
  Node& node = node_of(page.index);
  core.write(node.line);
  cache_.waits.set_page_writeback(core, page.frame);
  const std::uint64_t bit = std::uint64_t{1} << page.index % slots;
  if ((node.dirty & bit) != 0 && (cache_.flags(page) & PG_dirty) == 0) {
    node.dirty &= ~bit;
    --tagged_dirty_;
  }
  unlock_tree(core);
  core.counters().add(Counter::writeback);
  cache_.unlock_page(core, page);
}

void File::writepage(Task& task, CachedPage& page) {
  if ((cache_.flags(page) & PG_dirty) != 0 && !clear_page_dirty_for_io(task, page)) {
    cache_.unlock_page(task.core(), page);
    return;
  }
  start_writeback(task.core(), page);
  cache_.disk_->submit(task.core(), page, Transfer::write, Bytes(bytes_per_frame));
}

bool File::remove_mapping(Core& core, CachedPage& page) {
  Frame& frame = cache_.means_.pages[page.frame];
  core.charge(core.costs().work.page_cache_add, Account::work);
  lock_tree(core);
  core.rmw(page.line); // page_ref_freeze(): the cache's and the caller's
  if (frame.refcount != 2 || (frame.flags & (PG_dirty | PG_writeback)) != 0) {
    unlock_tree(core);
    return false;
  }
  frame.refcount = 0; // look-ups that take no lock see it, and look again
  take_out(core, page);
  unlock_tree(core);
  core.settle();
  frame.refcount = 1;
  cache_.drop_holder(page);
  return true;
}

// The first page from `pgoff` on that has the tag; behind the end if there is none. Takes no time.
std::uint64_t File::next_tagged(std::uint64_t pgoff) const {
  for (std::uint64_t n = pgoff / slots; n < nodes_.size(); pgoff = ++n * slots) {
    if (nodes_[n] == nullptr) continue;
    const std::uint64_t left = nodes_[n]->dirty >> pgoff % slots << pgoff % slots;
    if (left != 0) return n * slots + static_cast<std::uint64_t>(std::countr_zero(left));
  }
  return nodes_.size() * slots;
}

std::size_t File::find_get_pages_dirty(Core& core, std::uint64_t& pgoff, std::span<CachedPage*> found) {
  std::size_t count = 0;
  if (tree_lock_)
    tree_lock_->read_lock_irqsave(core);
  else
    cache_.rcu_->read_lock(core);
  core.charge(levels_ * core.costs().work.table_walk_level, Account::work);
  const Node* met = nullptr;
  while (count < found.size() && (pgoff = next_tagged(pgoff)) < pages) {
    Node& node = *nodes_[pgoff / slots];
    if (&node != met) core.read(node.line);
    met = &node;
    CachedPage* page = node.pages[pgoff % slots];
    if (page != nullptr) core.rmw(page->line); // page_cache_get_speculative()
    Frame* frame = page != nullptr ? &cache_.means_.pages[page->frame] : nullptr;
    if (page != nullptr && page_at(pgoff) == page && frame->refcount != 0) {
      ++frame->refcount;
      ++page->holders;
      found[count++] = page;
    }
    ++pgoff;
  }
  core.settle();
  if (tree_lock_)
    tree_lock_->read_unlock_irqrestore(core);
  else
    cache_.rcu_->read_unlock(core);
  return count;
}

} // namespace mmsim
