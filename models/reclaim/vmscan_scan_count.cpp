// Reclaim by node and by what pages cost: mm/vmscan.c of 5.10.35.
//
// do_try_to_free_pages() and shrink_zones(), shrink_node(), shrink_lruvec() with get_scan_count(), throttle_direct_
// reclaim() with allow_direct_reclaim(); balance_pgdat() with kswapd_shrink_node() and age_active_anon(),
// kswapd_try_to_sleep() with prepare_kswapd_sleep(). What happens to lists and pages: shrink_lists.hpp.
//
// Left out: what vmscan.hpp says; writers' congestion (no queue of blk-mq is ever congested, so that wait_iff_congested()
// only gives way); the smaller vm_stat thresholds while kswapd runs.
#include "models/pages/watermarks.hpp"
#include "models/reclaim/shrink_lists.hpp"

#include <algorithm>

namespace mmsim {
namespace {

using Counts = std::array<std::uint64_t, lru_list_count>; // by LruList

constexpr std::size_t at(LruList list) { return static_cast<std::size_t>(list); }
constexpr LruList active_of(bool file) { return file ? LruList::active_file : LruList::active; }
constexpr LruList inactive_of(bool file) { return file ? LruList::inactive_file : LruList::inactive; }
constexpr bool is_file(LruList list) {
  return list == LruList::inactive_file || list == LruList::active_file;
}
// enum lru_list's order.
constexpr std::array<LruList, lru_list_count> evictable{LruList::inactive, LruList::active,
                                                        LruList::inactive_file, LruList::active_file};

class ScanCount final : public VmScan {
 public:
  explicit ScanCount(const VmScanMeans& means)
      : means_(means), system_(means.system), kswapd_(means.timeouts.event("kswapd")), lists_(means) {}

  std::uint64_t try_to_free_pages(Task& task, const ReclaimRequest& request) override {
    if (throttle_direct_reclaim(task, request)) return 1;
    ScanControl control;
    control.reclaim_idx = request.highest;
    control.order = request.order;
    for (;;) { // retry:
      control.priority = ScanControl::def_priority;
      do {
        control.nr_scanned = 0;
        shrink_zones(task, request, control);
      } while (control.nr_reclaimed < control.nr_to_reclaim && --control.priority >= 0);
      if (control.nr_reclaimed > 0 || !control.skipped_deactivate) return control.nr_reclaimed;
      control.force_deactivate = true; // the lists' ratio kept it from looking at all
      control.skipped_deactivate = false;
    }
  }

  void balance_pgdat(Task& task, ReclaimNode& node) override {
    ScanControl control;
    control.kswapd = true;
    control.order = node.order;
    control.reclaim_idx = node.highest;
    task.core().counters().add(Counter::pageoutrun);
    do {
      const std::uint64_t before = control.nr_reclaimed;
      bool raise_priority = true;
      if (pgdat_balanced(task.core(), node, control.order, node.highest)) break;
      if (means_.observer != nullptr) means_.observer->begin(task, ReclaimBy::kswapd);
      age_active_anon(task, node, control);
      control.nr_scanned = 0;
      if (kswapd_shrink_node(task, node, control)) raise_priority = false;
      if (means_.observer != nullptr) means_.observer->end(task, ReclaimBy::kswapd);
      if (node.pfmemalloc_wait.active() && allow_direct_reclaim(task.core(), node))
        node.pfmemalloc_wait.wake_all(system_.scheduler, task.core());
      if (raise_priority || control.nr_reclaimed == before) --control.priority;
    } while (control.priority >= 1);
    if (control.priority < 1 && control.nr_reclaimed == 0) ++node.kswapd_failures;
    node.order = control.order;
  }

  bool wakes_kswapd(const ReclaimNode& node) const override { return !hopeless(node); }

  void try_to_sleep(Task& task, ReclaimNode& node) override {
    prepare_to_wait(task, node);
    if (prepare_kswapd_sleep(task.core(), node)) {
      // A short sleep first: who allocates may be below the low watermark again at once.
      if (sleep_on_kswapd_wait(means_, task, node, task.now() + Congestion::tenth_of_a_second)) return;
      prepare_to_wait(task, node);
      if (prepare_kswapd_sleep(task.core(), node)) sleep_on_kswapd_wait(means_, task, node, Instant::max());
    }
    node.kswapd_asleep = false; // finish_wait()
  }

 private:
  LruVec& lruvec(const ReclaimNode& node) { return system_.lru->vec(node.id.value()); }
  Zone& zone(std::uint32_t index) { return system_.pages.zone_at(index); }
  /// MAX_RECLAIM_RETRIES rounds without a page: only direct reclaim can tell that things are better.
  static bool hopeless(const ReclaimNode& node) { return node.kswapd_failures >= 16; }

  // Direct reclaim.

  void shrink_zones(Task& task, const ReclaimRequest& request, ScanControl& control) {
    ReclaimNode* last = nullptr;
    for (const std::uint32_t index : request.zonelist) {
      ReclaimNode& node = *means_.nodes[zone(index).node().value()];
      if (&node == last) continue;
      last = &node;
      shrink_node(task, node, control);
    }
  }

  // True if the task was killed while it waited: then it is not to reclaim.
  bool throttle_direct_reclaim(Task& task, const ReclaimRequest& request) {
    if (task.mm == nullptr || task.killed) return false;
    for (const std::uint32_t index : request.zonelist) {
      if (zone(index).type() > ZoneType::normal) continue;
      ReclaimNode& node = *means_.nodes[zone(index).node().value()];
      if (!allow_direct_reclaim(task.core(), node)) {
        const WaitFor whom(task.ledger, kswapd_);
        node.pfmemalloc_wait.wait_event_killable(means_.timeouts, task, Account::io,
                                                 [&] { return allow_direct_reclaim(task.core(), node); });
      }
      break;
    }
    return task.killed;
  }

  // pfmemalloc_watermark_ok(): at least half of what the min watermarks keep is free.
  bool allow_direct_reclaim(Core& core, ReclaimNode& node) {
    if (hopeless(node)) return true;
    std::uint64_t reserve = 0;
    std::int64_t free = 0;
    for (const std::uint32_t index : node.zones) {
      if (zone(index).type() > ZoneType::normal ||
          system_.pages.reclaim().zone_reclaimable_pages(zone(index)) == 0)
        continue;
      reserve += zone(index).limits().watermarks.min;
      free += system_.pages.vm_stat().read(core, index, NR_FREE_PAGES);
    }
    if (reserve == 0) return true;
    const bool ok = free > static_cast<std::int64_t>(reserve / 2);
    if (!ok) {
      node.kswapd_highest = std::max(node.kswapd_highest, ZoneType::normal);
      node.kswapd_asked = true;
      wake_up_kswapd(system_, core, node);
    }
    return ok;
  }

  // kswapd.

  bool prepare_kswapd_sleep(Core& core, ReclaimNode& node) {
    if (node.pfmemalloc_wait.active()) node.pfmemalloc_wait.wake_all(system_.scheduler, core);
    if (hopeless(node)) return true;
    if (!pgdat_balanced(core, node, node.order, node.highest)) return false;
    node.dirty = node.writeback = false; // clear_pgdat_congested()
    return true;
  }

  bool pgdat_balanced(Core& core, const ReclaimNode& node, unsigned order, ZoneType highest) {
    for (const std::uint32_t index : node.zones)
      if (zone(index).type() <= highest &&
          zone(index).watermark_ok(core, order, {.mark = Watermark::high}, highest))
        return true;
    return false;
  }

  // Whether it has scanned as much as it was to reclaim: then it need not try harder.
  bool kswapd_shrink_node(Task& task, ReclaimNode& node, ScanControl& control) {
    control.nr_to_reclaim = 0;
    for (const std::uint32_t index : node.zones)
      if (zone(index).type() <= control.reclaim_idx)
        control.nr_to_reclaim += std::max(zone(index).limits().watermarks.high, swap_cluster_max);
    shrink_node(task, node, control);
    if (control.order > 0 && control.nr_reclaimed >= std::uint64_t{2} << control.order) control.order = 0;
    return control.nr_scanned >= control.nr_to_reclaim;
  }

  void age_active_anon(Task& task, ReclaimNode& node, ScanControl& control) {
    if (system_.swap.slots() > 0 && inactive_is_low(node, false))
      lists_.shrink_active_list(task, node, swap_cluster_max, control, LruList::active);
  }

  // Both.

  void shrink_node(Task& task, ReclaimNode& node, ScanControl& control) {
    const std::uint64_t before = control.nr_reclaimed;
    control.nr = {};
    LruVec& vec = lruvec(node);
    vec.lock(task.core());
    control.anon_cost = node.anon_cost;
    control.file_cost = node.file_cost;
    vec.unlock(task.core());
    prepare_scan_count(task.core(), node, control);
    shrink_lruvec(task, node, control);
    if (control.kswapd) {
      if (control.nr.writeback > 0 && control.nr.writeback == control.nr.taken) node.writeback = true;
      if (control.nr.unqueued_dirty == control.nr.file_taken) node.dirty = true;
      // It meets pages that it has marked already and that are still being written: the device cannot keep up.
      if (control.nr.immediate > 0) means_.congestion.wait(task, Congestion::tenth_of_a_second);
    } else {
      system_.scheduler.resched_point(task); // wait_iff_congested()
    }
    if (control.nr_reclaimed > before) node.kswapd_failures = 0;
  }

  void prepare_scan_count(Core& core, const ReclaimNode& node, ScanControl& control) {
    core.charge(core.costs().work.reclaim_round, Account::work);
    core.settle();
    control.deactivate_anon = control.force_deactivate || inactive_is_low(node, false);
    control.deactivate_file = control.force_deactivate || inactive_is_low(node, true);
    const std::uint64_t inactive_file = pages_of(node, NR_INACTIVE_FILE);
    control.cache_trim_mode = inactive_file >> control.priority > 0 && !control.deactivate_file;
    std::uint64_t free = 0, high = 0;
    for (const std::uint32_t index : node.zones) {
      free += static_cast<std::uint64_t>(system_.pages.vm_stat().read(core, index, NR_FREE_PAGES));
      high += zone(index).limits().watermarks.high;
    }
    const std::uint64_t file = pages_of(node, NR_ACTIVE_FILE) + inactive_file;
    control.file_is_tiny = file + free <= high && !control.deactivate_anon &&
                           pages_of(node, NR_INACTIVE_ANON) >> control.priority > 0;
  }

  std::uint64_t pages_of(const ReclaimNode& node, VmStatItem item) const {
    return node_pages(system_, node, item);
  }

  // As many times fewer than active ones as the square root of ten times their gigabytes.
  bool inactive_is_low(const ReclaimNode& node, bool file) const {
    const std::uint64_t inactive = pages_of(node, file ? NR_INACTIVE_FILE : NR_INACTIVE_ANON);
    const std::uint64_t active = pages_of(node, file ? NR_ACTIVE_FILE : NR_ACTIVE_ANON);
    const std::uint64_t gigabytes = (inactive + active) * bytes_per_frame >> 30;
    const std::uint64_t ratio = gigabytes > 0 ? int_sqrt(10 * gigabytes) : 1;
    return inactive * ratio < active;
  }

  // lruvec_lru_size(): pages of zones that would do.
  std::uint64_t lru_size(const ReclaimNode& node, LruList list, ZoneType highest) {
    constexpr std::array<VmStatItem, lru_list_count> items{NR_INACTIVE_ANON, NR_ACTIVE_ANON, NR_INACTIVE_FILE,
                                                           NR_ACTIVE_FILE};
    std::uint64_t pages = 0;
    for (const std::uint32_t index : node.zones)
      if (zone(index).type() <= highest)
        pages += static_cast<std::uint64_t>(system_.pages.vm_stat().published(index, items[at(list)]));
    return pages;
  }

  Counts get_scan_count(const ReclaimNode& node, const ScanControl& control) {
    enum { equal, fraction, file_only, anon_only } balance = fraction;
    if (system_.swap.free_slots() == 0)
      balance = file_only;
    else if (control.priority == 0 && means_.swappiness > 0)
      balance = equal;
    else if (control.file_is_tiny)
      balance = anon_only;
    else if (control.cache_trim_mode)
      balance = file_only;
    // Each list is pressed in proportion to what the other has cost, between two thirds and four thirds.
    const std::uint64_t cost = control.anon_cost + control.file_cost;
    const std::uint64_t anon_cost = cost + control.anon_cost, file_cost = cost + control.file_cost;
    const std::uint64_t total = anon_cost + file_cost;
    const std::uint64_t ap = means_.swappiness * (total + 1) / (anon_cost + 1);
    const std::uint64_t fp = (200 - means_.swappiness) * (total + 1) / (file_cost + 1);
    Counts count{};
    for (const LruList list : evictable) {
      std::uint64_t scan = lru_size(node, list, control.reclaim_idx) >> control.priority;
      if (balance == fraction) scan = scan * (is_file(list) ? fp : ap) / (ap + fp);
      if ((balance == file_only && !is_file(list)) || (balance == anon_only && is_file(list))) scan = 0;
      count[at(list)] = scan;
    }
    return count;
  }

  void shrink_lruvec(Task& task, ReclaimNode& node, ScanControl& control) {
    Counts left = get_scan_count(node, control);
    const Counts targets = left;
    std::uint64_t reclaimed = 0;
    // Direct reclaim's first and lightest scan may go on beyond its goal: then the proportions hold.
    bool scan_adjusted = !control.kswapd && control.priority == ScanControl::def_priority;
    while (left[at(LruList::inactive)] > 0 || left[at(LruList::active_file)] > 0 ||
           left[at(LruList::inactive_file)] > 0) {
      for (const LruList list : evictable) {
        if (left[at(list)] == 0) continue;
        const auto count =
            static_cast<std::uint32_t>(std::min<std::uint64_t>(left[at(list)], swap_cluster_max));
        left[at(list)] -= count;
        reclaimed += shrink_list(task, node, count, control, list);
      }
      system_.scheduler.resched_point(task);
      if (reclaimed < control.nr_to_reclaim || scan_adjusted) continue;
      if (!adjust(left, targets)) break;
      scan_adjusted = true;
    }
    control.nr_reclaimed += reclaimed;
    if (system_.swap.slots() > 0 && inactive_is_low(node, false))
      lists_.shrink_active_list(task, node, swap_cluster_max, control, LruList::active);
  }

  // Enough is reclaimed: the kind with less left to scan is done, of the other as large a share as of that. False if one
  // of them is done anyway.
  static bool adjust(Counts& left, const Counts& targets) {
    const std::uint64_t anon = left[at(LruList::inactive)] + left[at(LruList::active)];
    const std::uint64_t file = left[at(LruList::inactive_file)] + left[at(LruList::active_file)];
    if (anon == 0 || file == 0) return false;
    const bool done = file <= anon; // which kind: files?
    const std::uint64_t target = targets[at(inactive_of(done))] + targets[at(active_of(done))] + 1;
    const std::uint64_t percentage = std::min(anon, file) * 100 / target;
    left[at(inactive_of(done))] = left[at(active_of(done))] = 0;
    for (const LruList list : {inactive_of(!done), active_of(!done)}) {
      const std::uint64_t scanned = targets[at(list)] - left[at(list)];
      const std::uint64_t wanted = targets[at(list)] * (100 - percentage) / 100;
      left[at(list)] = wanted - std::min(wanted, scanned);
    }
    return true;
  }

  std::uint64_t shrink_list(Task& task, ReclaimNode& node, std::uint32_t count, ScanControl& control,
                            LruList list) {
    if (!is_active(list)) return lists_.shrink_inactive_list(task, node, count, control, list);
    if (is_file(list) ? control.deactivate_file : control.deactivate_anon)
      lists_.shrink_active_list(task, node, count, control, list);
    else
      control.skipped_deactivate = true;
    return 0;
  }

  const VmScanMeans means_;
  System& system_;
  const WaitId kswapd_; // whom throttled direct reclaim waits for
  ShrinkLists lists_;
};

} // namespace

std::unique_ptr<VmScan> make_scan_count(const VmScanMeans& means) {
  return std::make_unique<ScanCount>(means);
}

} // namespace mmsim
