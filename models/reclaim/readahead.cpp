#include "models/reclaim/readahead.hpp"

#include "models/reclaim/page_cache.hpp"
#include "models/scheduler/task.hpp"

#include <algorithm>
#include <bit>

namespace mmsim {

namespace {

std::uint64_t get_init_ra_size(std::uint64_t size, std::uint64_t max) {
  const std::uint64_t rounded = std::bit_ceil(size);
  if (rounded <= max / 32) return rounded * 4;
  return rounded <= max / 4 ? rounded * 2 : max;
}

std::uint64_t get_next_ra_size(std::uint64_t current, std::uint64_t max) {
  if (current < max / 16) return 4 * current;
  return current <= max / 2 ? 2 * current : max;
}

/// The window begins at `start`; false if the request is a random one, of which the state is not told.
bool choose_window(Task& task, File& file, std::uint64_t pgoff, bool hit_marker, std::uint64_t wanted) {
  FileRaState& ra = file.ra;
  const std::uint64_t max = ra.ra_pages;
  const auto initial = [&] {
    ra.start = pgoff;
    ra.size = get_init_ra_size(wanted, max);
    ra.async_size = ra.size > wanted ? ra.size - wanted : ra.size;
    return true;
  };
  if (pgoff == 0) return initial();
  // Where the last window ends, or its mark is: sequential.
  if (pgoff == ra.start + ra.size - ra.async_size || pgoff == ra.start + ra.size) {
    ra.start += ra.size;
    ra.async_size = ra.size = get_next_ra_size(ra.size, max);
    return true;
  }
  if (hit_marker) { // of another reader's window: what is in memory ahead was its size
    const std::uint64_t start = file.next_miss(task.core(), pgoff + 1, max);
    if (start - pgoff > max) return false;
    ra.start = start;
    ra.async_size = ra.size = get_next_ra_size(start - pgoff + wanted, max);
    return true;
  }
  if (wanted > max || pgoff - ra.prev <= 1) return initial();
  // try_context_readahead(): the trace that a sequential reader has left in memory.
  std::uint64_t size = file.history(task.core(), pgoff, max);
  if (size <= wanted) return false;
  if (size >= pgoff) size *= 2; // from the start of the file: a stronger sign
  ra.start = pgoff;
  ra.size = std::min(size + wanted, max);
  ra.async_size = 1;
  return true;
}

void ondemand_readahead(Task& task, File& file, std::uint64_t pgoff, bool hit_marker, std::uint64_t wanted) {
  FileRaState& ra = file.ra;
  const std::uint64_t asked = hit_marker ? ~std::uint64_t{0} : pgoff;
  if (!choose_window(task, file, pgoff, hit_marker, wanted)) {
    if (!hit_marker) file.page_cache_ra(task, pgoff, wanted, 0, asked);
    return;
  }
  // It would meet its own mark at once: the next window too, as far as there is room.
  if (pgoff == ra.start && ra.size == ra.async_size) {
    const std::uint64_t more = get_next_ra_size(ra.size, ra.ra_pages);
    const bool room = ra.size + more <= ra.ra_pages;
    ra.async_size = room ? more : ra.ra_pages / 2;
    ra.size = room ? ra.size + more : ra.ra_pages;
  }
  file.page_cache_ra(task, ra.start, ra.size, ra.async_size, asked);
}

} // namespace

void page_cache_sync_readahead(Task& task, File& file, std::uint64_t pgoff, std::uint64_t wanted) {
  if (file.ra.ra_pages != 0) ondemand_readahead(task, file, pgoff, false, wanted);
}

void page_cache_async_readahead(Task& task, File& file, CachedPage& page, std::uint64_t pgoff,
                                std::uint64_t wanted) {
  if (file.ra.ra_pages == 0 || !file.clear_readahead(task.core(), page)) return;
  ondemand_readahead(task, file, pgoff, true, wanted);
}

void read_around(Task& task, File& file, std::uint64_t pgoff) {
  FileRaState& ra = file.ra;
  ra.start = pgoff - std::min(pgoff, ra.ra_pages / 2);
  ra.size = ra.ra_pages;
  ra.async_size = ra.ra_pages / 4;
  file.page_cache_ra(task, ra.start, ra.size, ra.async_size, pgoff);
}

void force_page_cache_readahead(Task& task, File& file, std::uint64_t pgoff, std::uint64_t pages) {
  constexpr std::uint64_t chunk = (2 << 20) / bytes_per_frame;
  for (; pages > 0 && pgoff < file.pages; pgoff += chunk, pages -= std::min(pages, chunk))
    file.page_cache_ra(task, pgoff, std::min(pages, chunk), 0, ~std::uint64_t{0});
}

// The walk that finds a hole: a look at the nodes on the way, without references.
std::uint64_t File::next_miss(Core& core, std::uint64_t pgoff, std::uint64_t most) {
  core.charge(levels_ * core.costs().work.table_walk_level, Account::work);
  const std::uint64_t end = pgoff + most;
  for (; pgoff < end && pgoff < pages; ++pgoff) {
    Node* node = nodes_[pgoff / slots].get();
    if (node == nullptr) break;
    if (pgoff % slots == 0) core.read(node->line);
    if (node->pages[pgoff % slots] == nullptr) break;
  }
  return pgoff;
}

std::uint64_t File::history(Core& core, std::uint64_t pgoff, std::uint64_t most) {
  core.charge(levels_ * core.costs().work.table_walk_level, Account::work);
  std::uint64_t found = 0;
  for (; found < most && found < pgoff; ++found) {
    const std::uint64_t at = pgoff - 1 - found;
    Node* node = nodes_[at / slots].get();
    if (node == nullptr) break;
    if (found == 0 || at % slots == slots - 1) core.read(node->line);
    if (node->pages[at % slots] == nullptr) break;
  }
  return found;
}

// xa_load(), radix_tree_lookup(): without a reference.
bool File::in_memory(Core& core, std::uint64_t pgoff) {
  if (tree_lock_) {
    tree_lock_->read_lock_irqsave(core);
    const bool found = look_up(core, pgoff) != nullptr;
    tree_lock_->read_unlock_irqrestore(core);
    return found;
  }
  cache_.rcu_->read_lock(core);
  core.read(line_);
  const bool found = look_up(core, pgoff) != nullptr;
  core.settle();
  cache_.rcu_->read_unlock(core);
  return found;
}

bool File::clear_readahead(Core& core, CachedPage& page) {
  Frame& frame = cache_.means_.pages[page.frame];
  if ((frame.flags & PG_writeback) != 0) return false; // the same bit means something else then
  core.rmw(page.line);
  frame.flags &= ~std::uint32_t{PG_reclaim};
  return true;
}

void File::page_cache_ra(Task& task, std::uint64_t pgoff, std::uint64_t count, std::uint64_t lookahead,
                         std::uint64_t wanted) {
  PageCacheMeans& means = cache_.means_;
  const Gfp gfp = GFP_HIGHUSER_MOVABLE | (cache_.parameters_.lockless ? gfp_noretry : gfp_cold);
  PageRun run(cache_, Transfer::read);
  const std::uint64_t end = std::min(pgoff + count, pages);
  for (std::uint64_t at = pgoff; at < end; ++at) {
    if (in_memory(task.core(), at)) {
      run.submit(task);
      continue;
    }
    const FrameNumber frame = means.pages.alloc_page(task.core(), gfp);
    if (frame == no_frame) break;
    CachedPage* page = add_to_page_cache_lru(task.core(), frame, at);
    if (page == nullptr) { // somebody was faster
      means.lru.put_page(task.core(), frame);
      run.submit(task);
      continue;
    }
    if (at - pgoff == count - lookahead) means.pages[frame].flags |= PG_reclaim; // SetPageReadahead()
    if (at != wanted) {
      page->ahead = true;
      task.core().counters().add(Counter::readahead);
    }
    run.add(task, *page);
    put_page(task.core(), *page); // it is locked, and stays
  }
  run.submit(task);
}

} // namespace mmsim
