// Slots found by scanning the map, all under one lock: mm/swapfile.c of 2.6.24.
//
// One swap_lock guards all areas: each slot that is taken or given back, and each change of a count, takes it.
// scan_swap_map() goes on behind the last slot that it has given, SWAPFILE_CLUSTER of them; then it looks for an empty
// cluster of as many slots, from the lowest free slot up, with swap_lock dropped meanwhile; where there is none it
// takes the lowest free slot, and passes used ones without the lock. The swap cache counts as one of those who name a
// slot.
//
// Left out: cond_resched() in long scans.
#include "models/reclaim/swap_slots.hpp"
#include "sim/machine/machine.hpp"

namespace mmsim {
namespace {

class ScannedSlots final : public SwapSlots {
 public:
  explicit ScannedSlots(const SwapSlotsMeans& means)
      : SwapSlots(means), swap_lock_(means.locks.make("swap_lock")) {}

  SwapEntry get_swap_page(Core& core) override {
    swap_lock_->lock(core);
    core.charge(core.costs().work.swap_slot, Account::work);
    core.settle();
    SwapEntry entry;
    if (free_ > 0) {
      --free_;
      for (std::size_t tries = areas_.size(); tries > 0 && !entry; --tries) {
        const std::size_t area = next_;
        next_ = (next_ + 1) % areas_.size(); // swap_list.next: those of one priority in turn
        if (areas_[area].highest_bit == 0) continue;
        if (const std::uint32_t slot = scan_swap_map(core, area)) entry = areas_[area].entry(slot);
      }
      if (!entry) ++free_;
    }
    swap_lock_->unlock(core);
    return entry;
  }

  SwapDuplicate duplicate(Core& core, SwapEntry entry, SwapUser) override {
    swap_lock_->lock(core);
    core.charge(core.costs().work.swap_slot, Account::work);
    core.settle();
    std::uint16_t& usage = area_of(entry)[entry.offset()];
    const bool used = usage != 0;
    if (used) ++usage;
    swap_lock_->unlock(core);
    return used ? SwapDuplicate::done : SwapDuplicate::unused;
  }

  // swap_entry_free().
  bool put(Core& core, SwapEntry entry, SwapUser) override {
    swap_lock_->lock(core);
    core.charge(core.costs().work.swap_slot, Account::work);
    core.settle();
    SwapArea& area = area_of(entry);
    std::uint16_t& usage = area[entry.offset()];
    assert(usage > 0);
    if (--usage == 0) {
      area.give(entry.offset());
      ++free_;
    }
    const bool last = usage == 1;
    swap_lock_->unlock(core);
    return last;
  }

  std::uint32_t count(Core& core, SwapEntry entry) override {
    swap_lock_->lock(core);
    core.settle();
    const std::uint32_t entries = area_of(entry)[entry.offset()] - 1U; // the cache's
    swap_lock_->unlock(core);
    return entries;
  }

  Run used_around(Core& core, SwapEntry entry, Run within) override {
    swap_lock_->lock(core);
    const Run run = SwapSlots::used_around(core, entry, within);
    swap_lock_->unlock(core);
    return run;
  }

 protected:
  // Whether the cache is one of them is not in the word.
  std::uint32_t entries_of(std::uint16_t usage) const override { return usage; }
  std::uint16_t usage_of(std::uint32_t entries, bool cached) const override {
    return static_cast<std::uint16_t>(entries + cached);
  }
  void area_added(SwapArea&) override { clusters_.push_back({}); }

 private:
  struct Cluster {
    std::uint32_t next = 1; // cluster_next
    std::uint32_t left = 0; // cluster_nr
  };

  void pass(Core& core, std::uint64_t slots) {
    core.charge(static_cast<std::int64_t>(slots) * core.costs().work.swap_scan, Account::work);
    core.settle();
  }

  // With swap_lock, which it may drop for a while. 0: none.
  std::uint32_t scan_swap_map(Core& core, std::size_t which) {
    SwapArea& area = areas_[which];
    Cluster& at = clusters_[which];
    bool lowest = false;
    if (at.left == 0) {
      at.left = cluster - 1;
      lowest = area.pages - area.inuse_pages < cluster || !find_cluster(core, area, at);
    } else {
      --at.left;
    }
    std::uint32_t slot = lowest || at.next > area.highest_bit ? area.lowest_bit : at.next;
    while (area.highest_bit != 0) {
      if (area[slot] == 0) {
        area.take(slot, 1);
        at.next = slot + 1;
        return slot;
      }
      swap_lock_->unlock(core);
      const std::uint32_t first = slot;
      while (++slot <= area.highest_bit && area[slot] != 0) {
      }
      pass(core, slot - first);
      swap_lock_->lock(core);
      core.settle();
      if (slot > area.highest_bit) slot = area.lowest_bit;
    }
    return 0;
  }

  // The first run of `cluster` free slots, not aligned. Drops swap_lock while it looks.
  bool find_cluster(Core& core, const SwapArea& area, Cluster& at) {
    swap_lock_->unlock(core);
    const std::uint32_t first = area.lowest_bit;
    std::uint32_t slot = first, last = first + cluster - 1;
    bool found = false;
    for (; last <= area.highest_bit; ++slot) {
      if (area[slot] != 0) {
        last = slot + cluster;
      } else if (slot == last) {
        found = true;
        break;
      }
    }
    pass(core, slot - first);
    swap_lock_->lock(core);
    core.settle();
    if (found) at.next = last - cluster + 1;
    return found;
  }

  std::unique_ptr<SpinLock> swap_lock_;
  std::vector<Cluster> clusters_; // by area
  std::size_t next_ = 0;
};

const Registered<SwapSlots> scan{
    "scan", "one swap_lock, slots found by scanning the map (to 2.6.36)",
    [](const SwapSlotsMeans& means) { return std::make_unique<ScannedSlots>(means); }};

} // namespace
} // namespace mmsim
