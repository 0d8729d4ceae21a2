#include "models/reclaim/shrink_lists.hpp"

namespace mmsim {

namespace {
bool of_files(LruList list) { return list == LruList::inactive_file || list == LruList::active_file; }
} // namespace

// 5.10: direct reclaim lets no more than an eighth as many pages be isolated as there are inactive ones.
bool ShrinkLists::too_many_isolated(const ReclaimNode& node, bool file) const {
  const VmStat& vm_stat = system_.pages.vm_stat();
  const std::int64_t inactive =
      vm_stat.published_of_node(node.id, file ? NR_INACTIVE_FILE : NR_INACTIVE_ANON);
  const std::int64_t isolated =
      vm_stat.published_of_node(node.id, file ? NR_ISOLATED_FILE : NR_ISOLATED_ANON);
  return isolated > inactive >> 3;
}

void ShrinkLists::shrink_active_list(Task& task, ReclaimNode& node, std::uint32_t count, ScanControl& control,
                                     LruList list) {
  const WorkCosts& work = task.core().costs().work;
  const bool file = of_files(list);
  LruVec& vec = lruvec(node);
  system_.lru->lru_add_drain(task.core());

  FrameList hold, active, inactive;
  vec.lock(task.core());
  const std::uint32_t taken = vec.isolate(task.core(), list, count, control.reclaim_idx, hold).taken;
  const auto isolated = static_cast<std::int32_t>(taken);
  vec.count_isolated(task.core(), file, isolated);
  vec.unlock(task.core());

  FrameTable& frames = system_.pages.frames();
  while (!hold.empty()) {
    system_.scheduler.resched_point(task);
    const FrameNumber frame = hold.pop_back(frames);
    IsolatedPage page(system_, frame);
    task.core().charge(work.reclaim_page, Account::work);
    bool executable = false;
    if (page_referenced(system_, task, frame, &executable, false) > 0 && executable && !page.anonymous()) {
      active.push_front(frames, frame);
      continue;
    }
    page.clear(PG_active);
    inactive.push_front(frames, frame);
  }

  Pagevec unused;
  Core& core = task.core();
  vec.lock(core);
  move_pages_to_lru(core, vec, active, unused);
  core.counters().add(Counter::pgdeactivate, move_pages_to_lru(core, vec, inactive, unused));
  vec.count_isolated(core, file, -isolated);
  vec.unlock(core);
  free_unref_page_list(core, unused);
}

std::uint64_t ShrinkLists::shrink_inactive_list(Task& task, ReclaimNode& node, std::uint32_t count,
                                                ScanControl& control, LruList list) {
  const bool file = of_files(list);
  for (bool stalled = false; !control.kswapd && too_many_isolated(node, file); stalled = true) {
    if (stalled) return 0;
    task.core().counters().add(Counter::congestion_wait);
    const WaitFor whom(task.ledger, isolated_);
    means_.timeouts.sleep(task, task.now() + Congestion::tenth_of_a_second, Account::io); // msleep(100)
    if (task.killed) return swap_cluster_max;
  }
  system_.lru->lru_add_drain(task.core());

  LruVec& vec = lruvec(node);
  FrameList pages;
  vec.lock(task.core());
  const LruVec::Isolated some = vec.isolate(task.core(), list, count, control.reclaim_idx, pages);
  vec.count_isolated(task.core(), file, static_cast<std::int32_t>(some.taken));
  vec.unlock(task.core());
  task.core().counters().add(Counter::pgscan, some.scanned);
  if (some.taken == 0) return 0;

  Batch batch{task, node, control, {}, {}};
  const std::uint64_t freed = shrink_page_list(batch, pages);

  Core& core = task.core();
  Pagevec unused;
  vec.lock(core);
  move_pages_to_lru(core, vec, pages, unused);
  vec.count_isolated(core, file, -static_cast<std::int32_t>(some.taken));
  lru_note_cost(node, file, batch.stat.pageout);
  vec.unlock(core);
  core.counters().add(Counter::pgsteal, freed);
  if (control.kswapd) core.counters().add(Counter::kswapd_steal, freed);
  free_unref_page_list(core, unused);
  if (batch.stat.unqueued_dirty == some.taken) system_.writeback.wakeup_flusher_threads(core, 0);

  control.nr.unqueued_dirty += batch.stat.unqueued_dirty;
  control.nr.writeback += batch.stat.writeback;
  control.nr.immediate += batch.stat.immediate;
  control.nr.taken += some.taken;
  if (file) control.nr.file_taken += some.taken;
  return freed;
}

// What it does not free is in `pages` again when it returns.
std::uint64_t ShrinkLists::shrink_page_list(Batch& batch, FrameList& pages) {
  Task& task = batch.task;
  FrameTable& frames = system_.pages.frames();
  FrameList returned;
  Pagevec freed;
  while (!pages.empty()) {
    system_.scheduler.resched_point(task);
    const FrameNumber frame = pages.pop_back(frames);
    IsolatedPage page(system_, frame);
    task.core().charge(task.core().costs().work.reclaim_page, Account::work);
    const Outcome outcome = shrink_page(batch, frame);
    if (outcome == Outcome::freed) {
      page.unlock(task.core());
      page.release();
      freed.add(frame, Pagevec::max_size);
      continue;
    }
    if (outcome == Outcome::activate_locked) {
      if (page.has(PG_swapcache) && system_.swap.vm_swap_full())
        system_.swap.try_to_free_swap(task.core(), frame);
      page.set(PG_active);
      ++batch.stat.activate;
    }
    if (outcome != Outcome::keep) page.unlock(task.core());
    returned.push_front(frames, frame);
  }
  const std::uint64_t count = freed.count();
  try_to_unmap_flush(system_, task, batch.unmapped);
  free_unref_page_list(task.core(), freed);
  pages = returned;
  task.core().counters().add(Counter::pgactivate, batch.stat.activate);
  return count;
}

ShrinkLists::Outcome ShrinkLists::shrink_page(Batch& batch, FrameNumber frame) {
  Task& task = batch.task;
  ScanControl& control = batch.control;
  IsolatedPage page(system_, frame);
  if (!page.trylock(task.core())) return Outcome::keep;
  ++control.nr_scanned;

  // page_check_dirty_writeback(): anonymous pages count as neither.
  const bool dirty = !page.anonymous() && page.has(PG_dirty);
  const bool writeback = !page.anonymous() && page.has(PG_writeback);
  if (dirty && !writeback) ++batch.stat.unqueued_dirty;
  if (page.has(PG_writeback)) return meet_writeback(batch, page);

  const References references = page_check_references(task, frame, page);
  if (references == References::activate) return Outcome::activate_locked;
  if (references == References::keep) return Outcome::keep_locked;

  if (page.anonymous() && !page.has(PG_swapcache) && !system_.swap.add_to_swap(task.core(), frame))
    return Outcome::activate_locked;
  if (page.mapped() && try_to_unmap(system_, task, frame, &batch.unmapped) != Unmapped::success)
    return Outcome::activate_locked;

  if (page.has(PG_dirty)) {
    if (!page.anonymous() && !(control.kswapd && page.has(PG_reclaim) && batch.node.dirty)) {
      page.set(PG_reclaim); // whoever writes it is to free it next
      return Outcome::activate_locked;
    }
    if (references == References::reclaim_clean) return Outcome::keep_locked;
    if (batch.unmapped.writable) try_to_unmap_flush(system_, task, batch.unmapped);
    switch (page.pageout(task)) {
    case Pageout::keep:
      return Outcome::keep_locked;
    case Pageout::success:
      ++batch.stat.pageout;
      if (page.has(PG_writeback | PG_dirty)) return Outcome::keep;
      if (!page.trylock(task.core())) return Outcome::keep; // it was written at once, or needed no write
      if (page.has(PG_writeback | PG_dirty)) return Outcome::keep_locked;
      break;
    case Pageout::clean:
      break;
    }
  }
  return page.remove_mapping(task.core()) ? Outcome::freed : Outcome::keep_locked;
}

// The first two of the kernel's three cases; the third is of memory cgroups.
ShrinkLists::Outcome ShrinkLists::meet_writeback(Batch& batch, IsolatedPage& page) {
  if (batch.control.kswapd && page.has(PG_reclaim) && batch.node.writeback) {
    ++batch.stat.immediate;
  } else {
    page.set(PG_reclaim);
    ++batch.stat.writeback;
  }
  return Outcome::activate_locked;
}

ShrinkLists::References ShrinkLists::page_check_references(Task& task, FrameNumber frame,
                                                           IsolatedPage& page) {
  bool executable = false;
  const int referenced_ptes = page_referenced(system_, task, frame, &executable);
  const bool referenced_page = page.has(PG_referenced);
  page.clear(PG_referenced);
  if (referenced_ptes > 0) {
    page.set(PG_referenced);
    if (referenced_page || referenced_ptes > 1) return References::activate;
    return executable && !page.anonymous() ? References::activate : References::keep;
  }
  return referenced_page && !page.anonymous() ? References::reclaim_clean : References::reclaim;
}

// With the lock held. Those that nobody else had any more are `unused`. How many are back.
std::uint64_t ShrinkLists::move_pages_to_lru(Core& core, LruVec& vec, FrameList& pages, Pagevec& unused) {
  FrameTable& frames = system_.pages.frames();
  std::uint64_t moved = 0;
  while (!pages.empty()) {
    const FrameNumber frame = pages.pop_back(frames);
    vec.putback(core, frame);
    if (--frames[frame].refcount > 0) {
      ++moved;
      continue;
    }
    vec.del(core, frame);
    unused.add(frame, Pagevec::max_size);
  }
  return moved;
}

// With the lock held (since 5.11 it takes it once more).
void ShrinkLists::lru_note_cost(ReclaimNode& node, bool file, std::uint64_t pages) {
  const LruVec& vec = lruvec(node);
  (file ? node.file_cost : node.anon_cost) += pages;
  std::uint64_t size = 0;
  for (std::size_t list = 0; list < lru_list_count; ++list)
    size += vec.list(static_cast<LruList>(list)).size();
  if (node.file_cost + node.anon_cost > size / 4) {
    node.file_cost /= 2;
    node.anon_cost /= 2;
  }
}

void ShrinkLists::free_unref_page_list(Core& core, Pagevec& pages) {
  if (pages.count() != 0) system_.pages.free_page_list(core, pages.frames(), Temperature::hot);
  pages.reinit();
}

} // namespace mmsim
