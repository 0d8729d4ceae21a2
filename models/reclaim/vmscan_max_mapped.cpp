// Reclaim without a reverse map: mm/vmscan.c of 2.4.18.
//
// try_to_free_pages(), shrink_caches(), shrink_cache(), refill_inactive(); kswapd_balance_pgdat().
//
// From a page nobody can tell who maps it: shrink_cache() passes over the inactive pages that somebody beside the caches
// has, and only counts them. Once it has met too many it has swap_out() walk address spaces (kernel.rmap = "scan"),
// which unmaps what it meets; such a page can go when its last mapping has been met, if nobody has faulted it in again.
// There is one pair of lists for all; with more (kernel.lru) they are looked at in turn.
//
// Left out: what vmscan.hpp says; pagemap_lru_lock being held while a page is taken out of its cache (here the pages
// that look free to go, a batch at most, are taken off their list first, as later kernels do it); that a page in use by
// a writer is waited for (PageLaunder); buffers.
#include "models/reclaim/vmscan.hpp"
#include "models/reclaim/vmscan_page.hpp"

#include <algorithm>

namespace mmsim {
namespace {

constexpr int def_priority_2_4_18 = 6;

class MaxMapped final : public VmScan {
 public:
  explicit MaxMapped(const VmScanMeans& means) : means_(means), system_(means.system) {}

  // 1 if it has freed a batch.
  std::uint64_t try_to_free_pages(Task& task, const ReclaimRequest& request) override {
    std::uint64_t left = swap_cluster_max;
    for (int priority = def_priority_2_4_18; priority > 0; --priority) {
      left = shrink_caches(task, request.highest, priority, left, false);
      if (left == 0) return 1;
    }
    return 0;
  }

  void balance_pgdat(Task& task, ReclaimNode& node) override {
    task.core().counters().add(Counter::pageoutrun);
    for (auto index = node.zones.rbegin(); index != node.zones.rend(); ++index) {
      Zone& zone = system_.pages.zone_at(*index);
      while (!zone.watermark_ok(task.core(), 0, {.mark = Watermark::high}, ZoneType::dma)) {
        system_.scheduler.resched_point(task);
        std::uint64_t left = swap_cluster_max;
        if (means_.observer != nullptr) means_.observer->begin(task, ReclaimBy::kswapd);
        for (int priority = def_priority_2_4_18; priority > 0 && left > 0; --priority)
          left = shrink_caches(task, zone.type(), priority, left, true);
        if (means_.observer != nullptr) means_.observer->end(task, ReclaimBy::kswapd);
        if (left == 0) continue;
        means_.timeouts.sleep(task, task.now() + std::chrono::seconds(1),
                              Account::io); // schedule_timeout(HZ)
        break;
      }
    }
  }

  void try_to_sleep(Task& task, ReclaimNode& node) override {
    prepare_to_wait(task, node);
    sleep_on_kswapd_wait(means_, task, node, Instant::max());
  }

 private:
  std::uint64_t pages_on(bool active) const {
    std::uint64_t pages = system_.lru->size(active ? LruList::active : LruList::inactive);
    if (system_.lru->lists() == LruLists::by_kind)
      pages += system_.lru->size(active ? LruList::active_file : LruList::inactive_file);
    return pages;
  }
  template <class Visit>
  void for_each_list(bool active, Visit&& visit) {
    for (std::uint32_t vec = 0; vec < system_.lru->vecs(); ++vec) {
      visit(system_.lru->vec(vec), active ? LruList::active : LruList::inactive);
      if (system_.lru->lists() == LruLists::by_kind)
        visit(system_.lru->vec(vec), active ? LruList::active_file : LruList::inactive_file);
    }
  }

  // How many of `wanted` pages it has not freed.
  std::uint64_t shrink_caches(Task& task, ZoneType highest, int priority, std::uint64_t wanted, bool kswapd) {
    Core& core = task.core();
    core.charge(core.costs().work.reclaim_round, Account::work);
    system_.lru->lru_add_drain(core); // there were no pagevecs
    refill_inactive(core, wanted * pages_on(true) / ((pages_on(false) + 1) * 2));
    return shrink_cache(task, highest, priority, wanted, kswapd);
  }

  // Active pages without PG_referenced become inactive, with it.
  void refill_inactive(Core& core, std::uint64_t wanted) {
    for_each_list(true, [&](LruVec& vec, LruList list) {
      if (wanted == 0 || vec.list(list).empty()) return;
      vec.lock(core);
      for (std::uint32_t left = vec.list(list).size(); left > 0 && wanted > 0 && !vec.list(list).empty();
           --left) {
        const FrameNumber frame = vec.list(list).back();
        Frame& page = system_.pages[frame];
        core.charge(core.costs().work.reclaim_page, Account::work);
        const bool referenced = (page.flags & PG_referenced) != 0;
        page.flags ^= PG_referenced; // PageTestandClearReferenced(), or SetPageReferenced() of who leaves
        vec.move(core, frame, referenced);
        if (referenced) continue;
        --wanted;
        core.counters().add(Counter::pgdeactivate);
      }
      vec.unlock(core);
    });
  }

  std::uint64_t shrink_cache(Task& task, ZoneType highest, int priority, std::uint64_t wanted, bool kswapd) {
    std::uint64_t max_scan = pages_on(false) / static_cast<std::uint64_t>(priority);
    std::uint64_t max_mapped = std::min(wanted << (10 - priority), max_scan / 10);
    bool swaps_out = false;
    for_each_list(false, [&](LruVec& vec, LruList list) {
      while (wanted > 0 && max_scan > 0 && !swaps_out && !vec.list(list).empty()) {
        system_.scheduler.resched_point(task);
        FrameList pages;
        Scan scan{highest, std::min<std::uint64_t>(max_scan, vec.list(list).size()), max_mapped, wanted};
        swaps_out = !take_free_to_go(task.core(), vec, list, scan, pages);
        max_mapped = scan.max_mapped;
        max_scan -= scan.scanned;
        task.core().counters().add(Counter::pgscan, scan.scanned);
        const std::uint64_t freed = free_pages(task, vec, pages);
        task.core().counters().add(Counter::pgsteal, freed);
        if (kswapd) task.core().counters().add(Counter::kswapd_steal, freed);
        wanted -= std::min(wanted, freed);
        if (scan.scanned == 0) break;
      }
    });
    if (swaps_out) system_.rmap->swap_out(task, swap_cluster_max);
    return wanted;
  }

  struct Scan {
    ZoneType highest;
    std::uint64_t most;
    std::uint64_t max_mapped;
    std::uint64_t wanted;
    std::uint64_t scanned = 0;
  };

  // Turns the list, and takes off it what only its cache has. False once too many mapped pages were met.
  bool take_free_to_go(Core& core, LruVec& vec, LruList list, Scan& scan, FrameList& pages) {
    FrameTable& frames = system_.pages.frames();
    bool go_on = true;
    vec.lock(core);
    while (go_on && scan.scanned < scan.most &&
           pages.size() < std::min<std::uint64_t>(scan.wanted, swap_cluster_max) && !vec.list(list).empty()) {
      const FrameNumber frame = vec.list(list).back();
      Frame& page = frames[frame];
      ++scan.scanned;
      core.charge(core.costs().work.reclaim_page, Account::work);
      const IsolatedPage look(system_, frame);
      const bool would_do = page.refcount > 0 && system_.pages.zone_of(frame).type() <= scan.highest;
      if (would_do && page.refcount == 1 && look.has_mapping()) {
        ++page.refcount; // before it is off the list: nobody else is to free it
        vec.del(core, frame);
        pages.push_front(frames, frame);
        continue;
      }
      vec.move(core, frame, false);
      if (!would_do) continue;
      if (scan.max_mapped == 0) go_on = false;
      if (scan.max_mapped > 0) --scan.max_mapped;
    }
    vec.unlock(core);
    return go_on;
  }

  // Writes the dirty ones, and frees the others; what cannot go is on its list again.
  std::uint64_t free_pages(Task& task, LruVec& vec, FrameList& pages) {
    FrameTable& frames = system_.pages.frames();
    FrameList returned;
    Pagevec freed, released;
    while (!pages.empty()) {
      const FrameNumber frame = pages.pop_back(frames);
      IsolatedPage page(system_, frame);
      if (!page.trylock(task.core())) {
        returned.push_front(frames, frame);
        continue;
      }
      bool locked = true;
      if (page.has(PG_dirty) && !page.has(PG_writeback)) locked = page.pageout(task) != Pageout::success;
      const bool gone = locked && !page.has(PG_dirty | PG_writeback) && page.remove_mapping(task.core());
      if (locked) page.unlock(task.core());
      if (gone) {
        page.release();
        freed.add(frame, Pagevec::max_size);
      } else {
        returned.push_front(frames, frame);
      }
    }
    const std::uint64_t count = freed.count();
    Core& core = task.core();
    if (count > 0) system_.pages.free_page_list(core, freed.frames(), Temperature::cold);
    if (returned.empty()) return count;
    vec.lock(core);
    while (!returned.empty()) {
      const FrameNumber frame = returned.pop_back(frames);
      vec.putback(core, frame);
      released.add(frame, Pagevec::max_size);
    }
    vec.unlock(core);
    system_.lru->pagevec_release(core, released);
    return count;
  }

  const VmScanMeans means_;
  System& system_;
};

} // namespace

std::unique_ptr<VmScan> make_max_mapped(const VmScanMeans& means) {
  return std::make_unique<MaxMapped>(means);
}

} // namespace mmsim
