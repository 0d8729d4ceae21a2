// Slots in clusters, a cluster a CPU, and a cache of slots a CPU: mm/swapfile.c and mm/swap_slots.c of 5.10 on an SSD.
//
// - A slot's count is under the lock of its cluster of 256 (cluster_info); an area's bounds and its list of free
//   clusters are under si->lock; who looks for an area takes swap_avail_lock. nr_swap_pages is atomic.
// - scan_swap_map_slots(): each CPU has a cluster of its own (percpu_cluster), from which it takes slots in turn; then
//   the first of the free clusters; if there is none, the map is scanned from where it was, without si->lock.
// - get_swap_page(): takes a slot of the CPU's cache, which is refilled with 64 under the locks. Slots that become
//   free are collected there too, and given back 64 at a time. The caches are used while there are more free slots
//   than 5 x 64 for each CPU, and given back when there are fewer than 2 x 64 for each (`check_cache_active()`).
// - SWAP_HAS_CACHE is a bit of its own in a slot's word: the slot is the swap cache's, or in a cache of slots.
// - With more than half of swap used, a slot that only the swap cache has is taken from it where the scan meets one:
//   left out, as are discard, swap on rotating disks, huge pages.
//
// alloc_lock and free_lock of a CPU's cache are never contended here, as nobody is preempted: two atomic operations.
#include "models/reclaim/swap_slots.hpp"
#include "sim/machine/machine.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <vector>

namespace mmsim {
namespace {

class ClusteredSlots final : public SwapSlots {
 public:
  static constexpr std::uint32_t slots_cache_size = 64; // SWAP_SLOTS_CACHE_SIZE, SWAP_BATCH

  explicit ClusteredSlots(const SwapSlotsMeans& means)
      : SwapSlots(means), avail_lock_(means.locks.make("swap_avail_lock")), caches_(means.machine.cpus()) {}

  SwapEntry get_swap_page(Core& core) override {
    if (check_cache_active(core)) {
      SlotsCache& cache = caches_[core.id().value()];
      core.charge(core.costs().line.atomic * 2, Account::work); // alloc_lock
      if (cache.at == cache.nr) {
        cache.at = cache.nr = 0; // empty for who drains it meanwhile
        cache.nr = get_swap_pages(core, cache.slots);
      }
      core.settle();
      if (cache.at < cache.nr) {
        const SwapEntry entry = cache.slots[cache.at++];
        if (!active_) drain(core, cache);
        return entry;
      }
    }
    std::array<SwapEntry, 1> one;
    return get_swap_pages(core, one) == 1 ? one[0] : SwapEntry();
  }

  // __swap_duplicate().
  SwapDuplicate duplicate(Core& core, SwapEntry entry, SwapUser user) override {
    Cluster& cluster = lock_cluster(core, entry);
    std::uint16_t& usage = area_of(entry)[entry.offset()];
    SwapDuplicate outcome = SwapDuplicate::done;
    if (user == SwapUser::cache) {
      if ((usage & SwapArea::has_cache) != 0)
        outcome = SwapDuplicate::exists;
      else if (usage == 0)
        outcome = SwapDuplicate::unused;
      else
        usage |= SwapArea::has_cache;
    } else if (usage == 0) {
      outcome = SwapDuplicate::unused;
    } else {
      ++usage;
    }
    cluster.lock->unlock(core);
    return outcome;
  }

  // __swap_entry_free().
  bool put(Core& core, SwapEntry entry, SwapUser user) override {
    Cluster& cluster = lock_cluster(core, entry);
    std::uint16_t& usage = area_of(entry)[entry.offset()];
    if (user == SwapUser::cache)
      usage &= SwapArea::count_mask;
    else
      --usage;
    const bool unused = usage == 0;
    const bool last = usage == SwapArea::has_cache;
    if (unused) usage = SwapArea::has_cache; // until it is given back
    cluster.lock->unlock(core);
    if (unused) free_swap_slot(core, entry);
    return last;
  }

  std::uint32_t count(Core& core, SwapEntry entry) override {
    Cluster& cluster = lock_cluster(core, entry);
    const std::uint32_t entries = entries_of(area_of(entry)[entry.offset()]);
    cluster.lock->unlock(core);
    return entries;
  }

 protected:
  std::uint32_t entries_of(std::uint16_t usage) const override { return usage & SwapArea::count_mask; }
  std::uint16_t usage_of(std::uint32_t entries, bool cached) const override {
    return static_cast<std::uint16_t>(entries | (cached ? SwapArea::has_cache : 0));
  }
  std::uint64_t kept() const override {
    std::uint64_t slots = 0;
    for (const SlotsCache& cache : caches_)
      slots += cache.nr - cache.at + cache.n_ret;
    return slots;
  }
  void area_added(SwapArea& area) override {
    Info& info = infos_.emplace_back(means_.locks, area.max);
    for (std::uint32_t i = 0; i < info.clusters; ++i)
      info.free.push_back(i);
    info.usage.resize(info.clusters);
    info.usage[0] = 1; // the header
    info.free.pop_front();
    info.percpu.resize(means_.machine.cpus());
  }

 private:
  // struct swap_cluster_info: eight of them share a line.
  struct Cluster {
    std::unique_ptr<SpinLock> lock;
  };
  struct ClusterLine {
    CacheLine line{"swap_cluster_info"};
    std::array<Cluster, 8> clusters;
  };
  struct PercpuCluster {
    static constexpr std::uint32_t none = UINT32_MAX;
    std::uint32_t index = none, next = 0;
  };
  // What an area has beside SwapArea.
  struct Info {
    Info(SpinLocks& locks, std::uint32_t max)
        : lock(locks.make("swap_info")), clusters((max + cluster - 1) / cluster), lines((clusters + 7) / 8) {}
    std::unique_ptr<SpinLock> lock; // si->lock
    const std::uint32_t clusters;
    std::vector<std::unique_ptr<ClusterLine>> lines; // made by the first who locks one
    std::vector<std::uint16_t> usage;                // slots in use of each
    std::deque<std::uint32_t> free;                  // free_clusters
    std::vector<PercpuCluster> percpu;
  };
  struct SlotsCache {
    std::array<SwapEntry, slots_cache_size> slots, slots_ret;
    std::uint32_t at = 0, nr = 0, n_ret = 0;
  };

  Cluster& cluster_of(std::uint32_t type, std::uint32_t slot) {
    Info& info = infos_[type];
    std::unique_ptr<ClusterLine>& line = info.lines[slot / cluster / 8];
    if (line == nullptr) line = std::make_unique<ClusterLine>();
    Cluster& found = line->clusters[slot / cluster % 8];
    if (found.lock == nullptr) found.lock = means_.locks.make("swap_cluster_info", &line->line);
    return found;
  }
  Cluster& lock_cluster(Core& core, SwapEntry entry) {
    Cluster& found = cluster_of(entry.type(), entry.offset());
    found.lock->lock(core);
    core.charge(core.costs().work.swap_slot, Account::work);
    core.settle();
    return found;
  }

  bool check_cache_active(Core& core) {
    core.read(nr_swap_pages_);
    const std::uint64_t a_cache_each = std::uint64_t{slots_cache_size} * means_.machine.cpus();
    if (!active_) {
      active_ = free_ > 5 * a_cache_each; // THRESHOLD_ACTIVATE_SWAP_SLOTS_CACHE
    } else if (free_ < 2 * a_cache_each) {
      active_ = false;
      deactivate(core);
    }
    return active_;
  }
  // deactivate_swap_slots_cache() -> drain_slots_cache_cpu(): whoever comes first empties all of them.
  void deactivate(Core& core) {
    for (SlotsCache& cache : caches_) {
      core.charge(core.costs().line.atomic * 2, Account::work);
      core.settle();
      drain(core, cache);
      core.settle();
      const std::uint32_t n = std::exchange(cache.n_ret, 0);
      const std::array<SwapEntry, slots_cache_size> returned = cache.slots_ret;
      swapcache_free_entries(core, returned, n);
    }
  }
  // Slots that nobody has got yet. In the kernel who deactivates waits for a refill, by alloc_lock, and drains what it
  // brought; here who refills sees to it himself.
  void drain(Core& core, SlotsCache& cache) {
    std::array<SwapEntry, slots_cache_size> slots;
    std::uint32_t n = 0;
    while (cache.at < cache.nr)
      slots[n++] = cache.slots[cache.at++];
    swapcache_free_entries(core, slots, n);
  }

  // As many slots as there is room for, if there are so many. How many.
  template <std::size_t Size>
  std::uint32_t get_swap_pages(Core& core, std::array<SwapEntry, Size>& slots) {
    avail_lock_->lock(core);
    core.rmw(nr_swap_pages_);
    const auto goal = static_cast<std::uint32_t>(std::min<std::uint64_t>(Size, free_));
    free_ -= goal;
    std::uint32_t got = 0;
    bool held = true;
    for (std::size_t tries = goal > 0 ? areas_.size() : 0; tries > 0 && got == 0; --tries) {
      if (!held) avail_lock_->lock(core);
      core.settle();
      const std::size_t which = next_; // plist_requeue()
      next_ = (next_ + 1) % areas_.size();
      avail_lock_->unlock(core);
      held = false;
      Info& info = infos_[which];
      info.lock->lock(core);
      core.settle();
      if (areas_[which].highest_bit != 0) got = scan_swap_map_slots(core, which, slots.data(), goal);
      info.lock->unlock(core);
    }
    if (held) avail_lock_->unlock(core);
    if (got < goal) {
      core.rmw(nr_swap_pages_);
      free_ += goal - got;
    }
    return got;
  }

  // With si->lock, which it may drop for a while.
  std::uint32_t scan_swap_map_slots(Core& core, std::size_t which, SwapEntry* slots, std::uint32_t wanted) {
    SwapArea& area = areas_[which];
    std::uint32_t got = 0;
    while (got < wanted) {
      std::uint32_t slot = try_ssd_cluster(core, which);
      if (slot == 0 && got > 0) break;
      if (slot == 0) slot = scan(core, which);
      if (slot == 0) break;
      Cluster& locked = lock_cluster(core, area.entry(slot));
      const bool is_free = area[slot] == 0;
      if (is_free) {
        area.take(slot, SwapArea::has_cache);
        inc_cluster(infos_[which], slot);
        slots[got++] = area.entry(slot);
      }
      locked.lock->unlock(core);
      if (area.highest_bit == 0) break;
    }
    return got;
  }

  // scan_swap_map_try_ssd_cluster(): the next slot of the CPU's cluster, or of a free one; 0 if there is neither.
  std::uint32_t try_ssd_cluster(Core& core, std::size_t which) {
    Info& info = infos_[which];
    const SwapArea& area = areas_[which];
    PercpuCluster& own = info.percpu[core.id().value()];
    for (;;) {
      if (own.index == PercpuCluster::none) {
        if (info.free.empty()) return 0;
        own = {info.free.front(), info.free.front() * cluster};
      }
      const std::uint32_t end = std::min(area.max, (own.index + 1) * cluster), first = own.next;
      std::uint32_t slot = first;
      if (slot < end) {
        Cluster& locked = lock_cluster(core, area.entry(slot));
        while (slot < end && (area[slot] != 0 || slot == 0))
          ++slot;
        core.charge(static_cast<std::int64_t>(slot - first) * core.costs().work.swap_scan, Account::work);
        locked.lock->unlock(core);
      }
      if (slot >= end) {
        own.index = PercpuCluster::none;
        continue;
      }
      // scan_swap_map_ssd_cluster_conflict(): a cluster that is still free is taken from the head of the list only.
      if (info.usage[own.index] == 0 && !info.free.empty() && info.free.front() != own.index) {
        own.index = PercpuCluster::none;
        continue;
      }
      own.next = slot + 1;
      return slot;
    }
  }

  // No cluster is free: the first free slot, from the bottom, looked for without the lock.
  std::uint32_t scan(Core& core, std::size_t which) {
    const SwapArea& area = areas_[which];
    infos_[which].lock->unlock(core);
    const std::uint32_t first = area.lowest_bit;
    std::uint32_t slot = first;
    while (slot <= area.highest_bit && area[slot] != 0)
      ++slot;
    const bool found = slot <= area.highest_bit;
    core.charge(static_cast<std::int64_t>(slot - first) * core.costs().work.swap_scan, Account::work);
    infos_[which].lock->lock(core);
    core.settle();
    return found ? slot : 0;
  }

  // inc_cluster_info_page().
  static void inc_cluster(Info& info, std::uint32_t slot) {
    if (info.usage[slot / cluster]++ > 0) return;
    if (!info.free.empty() && info.free.front() == slot / cluster)
      info.free.pop_front();
    else // the scan has met it
      std::erase(info.free, slot / cluster);
  }
  static void dec_cluster(Info& info, std::uint32_t slot) {
    if (--info.usage[slot / cluster] == 0) info.free.push_back(slot / cluster);
  }

  void free_swap_slot(Core& core, SwapEntry entry) {
    SlotsCache& cache = caches_[core.id().value()];
    std::array<SwapEntry, slots_cache_size> full;
    if (active_) core.charge(core.costs().line.atomic * 2, Account::work); // free_lock
    if (!active_) {                                                        // perhaps no longer
      full[0] = entry;
      return swapcache_free_entries(core, full, 1);
    }
    if (cache.n_ret == slots_cache_size) {
      full = cache.slots_ret;
      cache.n_ret = 0;
      cache.slots_ret[cache.n_ret++] = entry;
      return swapcache_free_entries(core, full, slots_cache_size);
    }
    cache.slots_ret[cache.n_ret++] = entry;
  }

  void swapcache_free_entries(Core& core, const std::array<SwapEntry, slots_cache_size>& slots,
                              std::uint32_t n) {
    Info* held = nullptr;
    for (std::uint32_t i = 0; i < n; ++i) {
      Info& info = infos_[slots[i].type()];
      if (held != &info) { // swap_info_get_cont()
        if (held != nullptr) held->lock->unlock(core);
        held = &info;
        held->lock->lock(core);
      }
      Cluster& locked = lock_cluster(core, slots[i]);
      assert(area_of(slots[i])[slots[i].offset()] == SwapArea::has_cache);
      area_of(slots[i]).give(slots[i].offset());
      dec_cluster(info, slots[i].offset());
      locked.lock->unlock(core);
      core.rmw(nr_swap_pages_);
      ++free_;
    }
    if (held != nullptr) held->lock->unlock(core);
  }

  std::unique_ptr<SpinLock> avail_lock_;
  CacheLine nr_swap_pages_{"nr_swap_pages"};
  std::deque<Info> infos_;         // by area
  std::vector<SlotsCache> caches_; // by core
  std::size_t next_ = 0;
  bool active_ = false; // swap_slot_cache_active
};

const Registered<SwapSlots> clusters{
    "clusters", "clusters of slots a CPU, with caches of slots (4.11 and later, on an SSD)",
    [](const SwapSlotsMeans& means) { return std::make_unique<ClusteredSlots>(means); }};

} // namespace
} // namespace mmsim
