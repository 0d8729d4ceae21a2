#pragma once
// What happened how often, on all CPUs together. The names are a contract (INTERFACES.md, "Counters").
//
// Counters only grow, from 0 at the start of the run to its drained end. The measured window is the
// difference of two snapshots; the whole run is the last one:
//
//   Counters::Snapshot start = counters.snapshot();    // at the end of the warm-up
//   Counters::Snapshot end = counters.snapshot();      // at the end of the window
//   PointResult.counters = difference(end, start);     // what counter.csv shows
//   PointResult.whole_run = counters.snapshot();       // after the drain; no interrupt_imbalance() then

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/engine/time.hpp"

namespace mmsim {

enum class Counter : std::uint8_t {
  ipi_requested,
  ipi_sent,
  ipi_received,
  ipi_coalesced,
  tlb_hit,
  tlb_miss,
  tlb_flush_page,
  tlb_flush_range,
  tlb_flush_mm,
  tlb_flush_all,
  tlb_flush_skipped,
  stale_hit,
  pgfault,
  pgmajfault,
  pgcow,
  pgreuse,
  pgalloc,
  pgfree,
  pcp_refill,
  pcp_drain,
  rmap_visits,
  rmap_bytes,
  pgscan,
  pgsteal,
  pswpin,
  pswpout,
  kswapd_wake,
  direct_reclaim,
  oom_kill,
  segfault,
  seq_retry,
  gup_fast,
  gup_slow,
  context_switch,
  served_max,
  served_min,
  rcu_grace_periods,
  rcu_callbacks,
  vma_lock_success,
  vma_lock_abort,
  vma_lock_retry,
  vma_lock_miss,
  latr_deferred,
  latr_full,
  pgactivate,
  pgdeactivate,
  pgrotated,
  pageoutrun,
  kswapd_steal,
  nr_vmscan_write,
  pgpgin,
  pgpgout,
  io_error,
  readahead,
  readahead_hit,
  swap_ra,
  swap_ra_hit,
  swap_full,
  swap_token,
  balance_dirty_pages,
  writeback,
  congestion_wait,
  reclaim_flush,
  rmap_unmapped,
  swapout_scan,
  sigbus,
  cpu_migrations,
  lb_gained,
  nr_tlb_remote_flush_received,
};

inline constexpr std::size_t counter_count = std::size_t(Counter::nr_tlb_remote_flush_received) + 1;

constexpr std::size_t index(Counter counter) { return std::size_t(counter); }

/// The name in counter.csv, e.g. "ipi_requested".
std::string_view name(Counter counter);

/// One sentence for `mmsim list counters`.
std::string_view help(Counter counter);

/// The counter with that name, or nothing.
std::optional<Counter> counter_named(std::string_view name);

/// The counters that each lock class has, as `mmsim list counters` shows them ("lock_acquired.<class>").
struct LockCounterHelp {
  std::string_view pattern, help;
};
const std::array<LockCounterHelp, 8>& lock_counters();

/// A lock class of one Counters object (all locks of a kind, e.g. "mmap_lock").
enum class LockClassId : std::uint32_t {};

/// What /proc/lock_stat shows of a class.
struct LockClassStats {
  std::uint64_t acquired = 0;    ///< acquisitions, contended ones included
  std::uint64_t contended = 0;   ///< acquisitions that found the lock taken
  Duration wait{};               ///< from the request to the acquisition, summed over the contended ones
  Duration hold{};               ///< from the acquisition to the release, summed
  Duration wait_max{};           ///< the longest of the waits, since restart_maxima()
  Duration hold_max{};           ///< the longest of the holds, since restart_maxima()
  std::uint64_t acq_bounces = 0; ///< acquisitions by another CPU than the one before
  std::uint64_t con_bounces = 0; ///< contended ones among them
  bool operator==(const LockClassStats&) const = default;
};

class Counters {
 public:
  /// Plain values, with lock classes by name in the order of their registration.
  struct Snapshot {
    struct LockClass {
      std::string name;
      LockClassStats stats;
      bool operator==(const LockClass&) const = default;
    };
    std::array<std::uint64_t, counter_count> values{};
    std::vector<LockClass> lock_classes;

    std::uint64_t operator[](Counter counter) const { return values[index(counter)]; }
    /// The class's figures, all zero if there is no such class.
    LockClassStats lock_class(std::string_view name) const;
    /// Adds the other's values; classes that only the other has are appended.
    void add(const Snapshot& other);
    bool operator==(const Snapshot&) const = default;
  };

  void add(Counter counter, std::uint64_t n = 1) { values_[index(counter)] += n; }
  std::uint64_t operator[](Counter counter) const { return values_[index(counter)]; }

  /// The id of the class; the same name gives the same id. Call it once a lock, not once an acquisition.
  LockClassId register_lock_class(std::string_view name);

  /// An acquisition. `wait` is the time from the request to it and counts if `contended`; `bounced`: another
  /// CPU had the lock last.
  void lock_acquired(LockClassId id, bool contended, Duration wait, bool bounced = false) {
    LockClassStats& stats = lock_stats_[std::size_t(id)];
    stats.acquired += 1;
    stats.acq_bounces += bounced;
    if (!contended) return;
    stats.contended += 1;
    stats.con_bounces += bounced;
    stats.wait += wait;
    if (stats.wait_max < wait) stats.wait_max = wait;
  }
  /// A release; `hold` is the time since the acquisition. It counts in the window in which the release falls.
  void lock_released(LockClassId id, Duration hold) {
    LockClassStats& stats = lock_stats_[std::size_t(id)];
    stats.hold += hold;
    if (stats.hold_max < hold) stats.hold_max = hold;
  }
  /// The measured window begins: longest waits and holds are looked for anew. (A hold that began before and
  /// ends in the window counts with all its length, here as in `hold`; maxima of a whole run are those of its
  /// window.)
  void restart_maxima() {
    for (LockClassStats& stats : lock_stats_)
      stats.wait_max = stats.hold_max = Duration{};
  }

  const LockClassStats& lock_class(LockClassId id) const { return lock_stats_[std::size_t(id)]; }
  std::string_view lock_class_name(LockClassId id) const { return lock_names_[std::size_t(id)]; }

  Snapshot snapshot() const;

 private:
  std::array<std::uint64_t, counter_count> values_{};
  std::vector<LockClassStats> lock_stats_; // dense by LockClassId
  std::vector<std::string> lock_names_;
};

/// What was counted between two snapshots of the same Counters. Throws std::logic_error if a counter has
/// shrunk.
Counters::Snapshot difference(const Counters::Snapshot& end, const Counters::Snapshot& start);

/// Over a drained whole run, requested = received + coalesced. Says what is wrong, with the values, or
/// nothing.
std::optional<std::string> interrupt_imbalance(const Counters::Snapshot& whole_run);

} // namespace mmsim
