// Reclaim by zone, mapped pages last: mm/vmscan.c of 2.6.24.
//
// try_to_free_pages() and shrink_zones(), shrink_zone(), shrink_active_list(), shrink_inactive_list(),
// shrink_page_list(); balance_pgdat().
//
// A zone has one pair of lists. What moves from the active to the inactive one is not mapped, until the swap tendency
// (distress of the zone + half of the share of mapped pages + swappiness + what active pages outnumber inactive ones)
// reaches 100: then mapped pages that were not used lately, too.
//
// Left out: what vmscan.hpp says; laptop mode (may_writepage is always true); synchronous page-out (of lumpy reclaim).
#include "models/reclaim/vmscan.hpp"
#include "models/reclaim/vmscan_page.hpp"
#include "models/rmap/unmap.hpp"

#include <algorithm>

namespace mmsim {
namespace {

constexpr int def_priority = 12;

struct TendencyScanControl {
  int priority = def_priority;
  bool kswapd = false;
  bool all_unreclaimable = false;
  std::uint64_t nr_scanned = 0;
};

class SwapTendency final : public VmScan {
 public:
  explicit SwapTendency(const VmScanMeans& means)
      : means_(means), system_(means.system), vm_stat_(means.system.pages.vm_stat()),
        zones_(means.system.pages.zones()) {}

  // 1 if it got somewhere, as the kernel has it.
  std::uint64_t try_to_free_pages(Task& task, const ReclaimRequest& request) override {
    TendencyScanControl control;
    std::uint64_t reclaimed = 0, total_scanned = 0;
    bool progress = false;
    for (; control.priority >= 0 && !progress; --control.priority) {
      control.nr_scanned = 0;
      if (control.priority == 0) system_.swap.token().disable(task.core());
      reclaimed += shrink_zones(task, request, control);
      total_scanned += control.nr_scanned;
      if (reclaimed >= swap_cluster_max) {
        progress = true;
        break;
      }
      if (total_scanned > swap_cluster_max + swap_cluster_max / 2)
        system_.writeback.wakeup_flusher_threads(task.core(), total_scanned); // wakeup_pdflush()
      if (control.nr_scanned > 0 && control.priority < def_priority - 2)
        means_.congestion.wait(task, Congestion::tenth_of_a_second);
    }
    for (const std::uint32_t index : request.zonelist)
      zones_[index].prev_priority = std::max(control.priority, 0);
    return progress || !control.all_unreclaimable ? 1 : 0;
  }

  void balance_pgdat(Task& task, ReclaimNode& node) override {
    while (!balance_once(task, node)) // loop_again:
      system_.scheduler.resched_point(task);
  }

  // wakeup_kswapd() while it runs is forgotten, as there.
  void try_to_sleep(Task& task, ReclaimNode& node) override {
    prepare_to_wait(task, node);
    sleep_on_kswapd_wait(means_, task, node, Instant::max());
  }

 private:
  /// What struct zone has of reclaim's own.
  struct ZoneScan {
    std::uint64_t nr_scan_active = 0, nr_scan_inactive = 0;
    int prev_priority = def_priority;
  };
  struct Balance {
    TendencyScanControl control;
    std::uint64_t scanned = 0, reclaimed = 0;
    std::size_t end = 0; ///< one past the highest zone that is short
    bool all_ok = false;
  };

  Zone& zone(std::uint32_t index) { return system_.pages.zone_at(index); }
  LruVec& lruvec(std::uint32_t index) { return system_.lru->vec(index); }
  std::uint64_t counted(Core& core, std::uint32_t index, VmStatItem item) {
    return static_cast<std::uint64_t>(vm_stat_.read(core, index, item));
  }
  // What CPUs keep back is in it: vmstat_update() folds that every second, which the model does not do, and by a count
  // that never comes down to what is there a zone would seem worth scanning for ever.
  std::uint64_t listed(std::uint32_t index) {
    const std::int64_t pages =
        vm_stat_.exact_now(index, NR_ACTIVE_ANON) + vm_stat_.exact_now(index, NR_INACTIVE_ANON);
    return static_cast<std::uint64_t>(std::max<std::int64_t>(pages, 0));
  }

  std::uint64_t shrink_zones(Task& task, const ReclaimRequest& request, TendencyScanControl& control) {
    std::uint64_t reclaimed = 0;
    control.all_unreclaimable = true;
    for (const std::uint32_t index : request.zonelist) {
      note_zone_scanning_priority(index, control.priority);
      if (zone(index).all_unreclaimable && control.priority != def_priority) continue;
      control.all_unreclaimable = false;
      reclaimed += shrink_zone(task, index, control);
      // kswapd alone gives a zone up, when somebody has woken it. Without others that allocate nobody does, and who
      // asks would go round for ever: so he gives it up himself where nothing can be written to swap.
      const bool hopeless =
          system_.swap.free_slots() == 0 &&
          (system_.page_cache.nrpages() == 0 || zone(index).pages_scanned >= 6 * listed(index));
      if (hopeless) zone(index).all_unreclaimable = true;
    }
    return reclaimed;
  }

  void note_zone_scanning_priority(std::uint32_t index, int priority) {
    zones_[index].prev_priority = std::min(zones_[index].prev_priority, priority);
  }

  // One pass through the priorities. True if all zones are above their high watermark, or nothing helps.
  bool balance_once(Task& task, ReclaimNode& node) {
    Balance balance;
    balance.control.kswapd = true;
    task.core().counters().add(Counter::pageoutrun);
    std::vector<int> priorities(node.zones.size(), def_priority);
    for (int priority = def_priority; priority >= 0; --priority) {
      balance.control.priority = priority;
      if (priority == 0) system_.swap.token().disable(task.core());
      balance.all_ok = true;
      balance.end = node.zones.size();
      while (balance.end > 0 && !is_short(task.core(), node, balance.end - 1, priority))
        --balance.end;
      if (balance.end == 0) break;
      if (means_.observer != nullptr) means_.observer->begin(task, ReclaimBy::kswapd);
      for (std::size_t i = 0; i < balance.end; ++i)
        if (balance_zone(task, node, i, balance)) priorities[i] = priority;
      if (means_.observer != nullptr) means_.observer->end(task, ReclaimBy::kswapd);
      if (balance.all_ok) break;
      if (balance.scanned > 0 && priority < def_priority - 2)
        means_.congestion.wait(task, Congestion::tenth_of_a_second);
      if (balance.reclaimed >= swap_cluster_max) break;
    }
    for (std::size_t i = 0; i < node.zones.size(); ++i)
      zones_[node.zones[i]].prev_priority = priorities[i];
    return balance.all_ok;
  }

  bool is_short(Core& core, const ReclaimNode& node, std::size_t i, int priority) {
    Zone& z = zone(node.zones[i]);
    if (z.all_unreclaimable && priority != def_priority) return false;
    return !z.watermark_ok(core, node.order, {.mark = Watermark::high}, ZoneType::dma);
  }

  // False if it is passed over.
  bool balance_zone(Task& task, const ReclaimNode& node, std::size_t i, Balance& balance) {
    TendencyScanControl& control = balance.control;
    const std::uint32_t index = node.zones[i];
    Zone& z = zone(index);
    if (z.all_unreclaimable && control.priority != def_priority) return false;
    const ZoneType end_zone = zone(node.zones[balance.end - 1]).type();
    if (!z.watermark_ok(task.core(), node.order, {.mark = Watermark::high}, end_zone)) balance.all_ok = false;
    control.nr_scanned = 0;
    note_zone_scanning_priority(index, control.priority);
    // Equal pressure on every zone, unless one has way too many pages free.
    const std::uint64_t plenty = 8 * std::uint64_t{z.limits().watermarks.high} +
                                 z.limits().lowmem_reserve[static_cast<std::size_t>(end_zone)];
    if (counted(task.core(), index, NR_FREE_PAGES) <= plenty)
      balance.reclaimed += shrink_zone(task, index, control);
    balance.scanned += control.nr_scanned;
    if (!z.all_unreclaimable && z.pages_scanned >= 6 * listed(index)) z.all_unreclaimable = true;
    return true;
  }

  std::uint64_t shrink_zone(Task& task, std::uint32_t index, TendencyScanControl& control) {
    Core& core = task.core();
    ZoneScan& scan = zones_[index];
    core.charge(core.costs().work.reclaim_round, Account::work);
    core.settle();
    scan.nr_scan_active += (counted(core, index, NR_ACTIVE_ANON) >> control.priority) + 1;
    scan.nr_scan_inactive += (counted(core, index, NR_INACTIVE_ANON) >> control.priority) + 1;
    std::uint64_t active = take_if_a_batch(scan.nr_scan_active);
    std::uint64_t inactive = take_if_a_batch(scan.nr_scan_inactive);
    std::uint64_t reclaimed = 0;
    while (active > 0 || inactive > 0) {
      if (active > 0) shrink_active_list(task, index, batch_of(active), control);
      if (inactive > 0) reclaimed += shrink_inactive_list(task, index, batch_of(inactive), control);
    }
    throttle_vm_writeout(task);
    return reclaimed;
  }
  static std::uint64_t take_if_a_batch(std::uint64_t& count) {
    return count >= swap_cluster_max ? std::exchange(count, 0) : 0;
  }
  static std::uint32_t batch_of(std::uint64_t& left) {
    const auto batch = static_cast<std::uint32_t>(std::min<std::uint64_t>(left, swap_cluster_max));
    left -= batch;
    return batch;
  }

  // No more under write-back than a tenth over the dirty limit.
  void throttle_vm_writeout(Task& task) {
    for (;;) {
      const std::uint64_t dirty = system_.writeback.limits(task.core()).dirty;
      std::int64_t writeback = 0;
      for (const auto& node : means_.nodes)
        writeback += vm_stat_.published_of_node(node->id, NR_WRITEBACK);
      if (static_cast<std::uint64_t>(writeback) <= dirty + dirty / 10) return;
      means_.congestion.wait(task, Congestion::tenth_of_a_second);
    }
  }

  bool reclaims_mapped(Core& core, std::uint32_t index, int priority) {
    const std::uint64_t active = counted(core, index, NR_ACTIVE_ANON);
    const std::uint64_t inactive = counted(core, index, NR_INACTIVE_ANON);
    if (zone(index).pages_scanned >= (active + inactive) * 3) return true; // zone_is_near_oom()
    const int distress = 100 >> std::min(zones_[index].prev_priority, priority);
    std::uint64_t mapped = 0;
    for (const auto& node : means_.nodes)
      mapped += node_pages(system_, *node, NR_FILE_MAPPED) + node_pages(system_, *node, NR_ANON_MAPPED);
    const std::uint64_t mapped_ratio = mapped * 100 / system_.pages.managed_frames();
    const std::uint64_t imbalance =
        active / (inactive + 1) * (means_.swappiness + 1) / 100 * mapped_ratio / 100;
    return mapped_ratio / 2 + static_cast<std::uint64_t>(distress) + means_.swappiness + imbalance >= 100;
  }

  void shrink_active_list(Task& task, std::uint32_t index, std::uint32_t count,
                          const TendencyScanControl& control) {
    const bool reclaim_mapped = reclaims_mapped(task.core(), index, control.priority);
    LruVec& vec = lruvec(index);
    FrameTable& frames = system_.pages.frames();
    FrameList hold, active, inactive;
    system_.lru->lru_add_drain(task.core());
    vec.lock(task.core());
    zone(index).pages_scanned +=
        vec.isolate(task.core(), LruList::active, count, ZoneType::movable, hold).scanned;
    vec.unlock(task.core());
    while (!hold.empty()) {
      system_.scheduler.resched_point(task);
      const FrameNumber frame = hold.pop_back(frames);
      IsolatedPage page(system_, frame);
      task.core().charge(task.core().costs().work.reclaim_page, Account::work);
      const bool stays =
          page.mapped() && (!reclaim_mapped || (system_.swap.slots() == 0 && page.anonymous()) ||
                            was_referenced(task, frame, false));
      (stays ? active : inactive).push_front(frames, frame);
    }
    task.core().counters().add(Counter::pgdeactivate, inactive.size());
    Pagevec released;
    vec.lock(task.core());
    for (std::uint32_t frame = inactive.back().value(); frame != 0; frame = frames.at(frame).previous)
      frames.at(frame).flags &= ~std::uint32_t{PG_active};
    putback(task.core(), vec, inactive, released);
    putback(task.core(), vec, active, released);
    vec.unlock(task.core());
    system_.lru->pagevec_release(task.core(), released);
  }

  // page_referenced() of that time, which looks at the page's own bit too.
  bool was_referenced(Task& task, FrameNumber frame, bool is_locked) {
    const bool by_entries = page_referenced(system_, task, frame, nullptr, is_locked) > 0;
    IsolatedPage page(system_, frame);
    const bool by_itself = page.has(PG_referenced);
    page.clear(PG_referenced);
    return by_entries || by_itself;
  }

  // With the lock held, which it drops to give back a pagevec's references.
  void putback(Core& core, LruVec& vec, FrameList& pages, Pagevec& released) {
    while (!pages.empty()) {
      const FrameNumber frame = pages.pop_back(system_.pages.frames());
      vec.putback(core, frame);
      if (released.add(frame, system_.lru->pagevec_size()) > 0) continue;
      vec.unlock(core);
      system_.lru->pagevec_release(core, released);
      vec.lock(core);
    }
  }

  std::uint64_t shrink_inactive_list(Task& task, std::uint32_t index, std::uint32_t most,
                                     TendencyScanControl& control) {
    LruVec& vec = lruvec(index);
    std::uint64_t scanned = 0, reclaimed = 0;
    Pagevec released;
    system_.lru->lru_add_drain(task.core());
    vec.lock(task.core());
    do {
      FrameList pages;
      const LruVec::Isolated some =
          vec.isolate(task.core(), LruList::inactive, swap_cluster_max, ZoneType::movable, pages);
      zone(index).pages_scanned += some.scanned;
      vec.unlock(task.core());
      scanned += some.scanned;
      const std::uint64_t freed = shrink_page_list(task, pages, control);
      reclaimed += freed;
      Counters& counters = task.core().counters();
      counters.add(Counter::pgscan, some.scanned);
      counters.add(Counter::pgsteal, freed);
      if (control.kswapd) counters.add(Counter::kswapd_steal, freed);
      vec.lock(task.core());
      if (some.taken == 0) break;
      putback(task.core(), vec, pages, released);
    } while (scanned < most);
    vec.unlock(task.core());
    system_.lru->pagevec_release(task.core(), released);
    return reclaimed;
  }

  enum class Outcome : std::uint8_t { keep, keep_locked, activate_locked, freed };

  // What it does not free is in `pages` again when it returns.
  std::uint64_t shrink_page_list(Task& task, FrameList& pages, TendencyScanControl& control) {
    FrameTable& frames = system_.pages.frames();
    FrameList returned;
    Pagevec freed;
    std::uint64_t count = 0, activated = 0;
    UnmapBatch unmapped; // nothing was batched then, unless kernel.reclaim_flush says so
    const auto give_back = [&] {
      try_to_unmap_flush(system_, task, unmapped);
      system_.pages.free_page_list(task.core(), freed.frames(),
                                   Temperature::cold); // __pagevec_release_nonlru()
      freed.reinit();
    };
    while (!pages.empty()) {
      system_.scheduler.resched_point(task);
      const FrameNumber frame = pages.pop_back(frames);
      IsolatedPage page(system_, frame);
      task.core().charge(task.core().costs().work.reclaim_page, Account::work);
      const Outcome outcome = shrink_page(task, frame, control, unmapped);
      if (outcome == Outcome::activate_locked) {
        page.set(PG_active);
        ++activated;
      }
      if (outcome != Outcome::keep) page.unlock(task.core());
      if (outcome != Outcome::freed) {
        returned.push_front(frames, frame);
        continue;
      }
      page.release();
      ++count;
      if (freed.add(frame, system_.lru->pagevec_size()) == 0) give_back();
    }
    give_back();
    pages = returned;
    task.core().counters().add(Counter::pgactivate, activated);
    return count;
  }

  Outcome shrink_page(Task& task, FrameNumber frame, TendencyScanControl& control, UnmapBatch& unmapped) {
    IsolatedPage page(system_, frame);
    if (!page.trylock(task.core())) return Outcome::keep;
    control.nr_scanned += page.mapped() || page.has(PG_swapcache) ? 2 : 1;
    if (page.has(PG_writeback)) return Outcome::keep_locked;

    const bool referenced = was_referenced(task, frame, true);
    if (referenced && page.in_use()) return Outcome::activate_locked;

    if (page.anonymous() && !page.has(PG_swapcache) && !system_.swap.add_to_swap(task.core(), frame))
      return Outcome::activate_locked;
    if (page.mapped() && page.has_mapping()) switch (try_to_unmap(system_, task, frame, &unmapped)) {
      case Unmapped::fail:
        return Outcome::activate_locked;
      case Unmapped::again:
        return Outcome::keep_locked;
      case Unmapped::success:
        break;
      }

    if (page.has(PG_dirty)) {
      if (referenced) return Outcome::keep_locked;
      if (unmapped.writable) try_to_unmap_flush(system_, task, unmapped);
      switch (page.pageout(task)) {
      case Pageout::keep:
        return Outcome::keep_locked;
      case Pageout::success:
        if (page.has(PG_writeback | PG_dirty)) return Outcome::keep;
        if (!page.trylock(task.core())) return Outcome::keep;
        if (page.has(PG_writeback | PG_dirty)) return Outcome::keep_locked;
        break;
      case Pageout::clean:
        break;
      }
    }
    return page.has_mapping() && page.remove_mapping(task.core()) ? Outcome::freed : Outcome::keep_locked;
  }

  const VmScanMeans means_;
  System& system_;
  VmStat& vm_stat_;
  std::vector<ZoneScan> zones_; // by index
};

} // namespace

std::unique_ptr<VmScan> make_swap_tendency(const VmScanMeans& means) {
  return std::make_unique<SwapTendency>(means);
}

} // namespace mmsim
