#include "sim/record/counters.hpp"

#include <algorithm>
#include <stdexcept>

namespace mmsim {
namespace {

struct CounterRow {
  Counter counter;
  std::string_view name, help;
};

constexpr std::array<CounterRow, counter_count> counter_rows{{
    {Counter::ipi_requested, "ipi_requested", "interrupts that one core asked of another"},
    {Counter::ipi_sent, "ipi_sent", "interrupts that were put on their way"},
    {Counter::ipi_received, "ipi_received", "interrupts whose handler ran"},
    {Counter::ipi_coalesced, "ipi_coalesced", "requests served by an interrupt already under way"},
    {Counter::tlb_hit, "tlb_hit", "translations found in a TLB"},
    {Counter::tlb_miss, "tlb_miss", "translations that needed a page-table walk"},
    {Counter::tlb_flush_page, "tlb_flush_page", "invalidations of one page"},
    {Counter::tlb_flush_range, "tlb_flush_range", "invalidations of a range of pages"},
    {Counter::tlb_flush_mm, "tlb_flush_mm", "invalidations of an address space"},
    {Counter::tlb_flush_all, "tlb_flush_all", "invalidations of a whole TLB"},
    {Counter::tlb_flush_skipped, "tlb_flush_skipped", "cores that a flush left alone, by its policy"},
    {Counter::stale_hit, "stale_hit",
     "TLB hits on an entry that the page table no longer has (legal while its flush is under way)"},
    {Counter::pgfault, "pgfault", "page faults"},
    {Counter::pgmajfault, "pgmajfault", "page faults that needed a device"},
    {Counter::pgcow, "pgcow", "write-protect faults that copied the page"},
    {Counter::pgreuse, "pgreuse", "write-protect faults that reused the page"},
    {Counter::pgalloc, "pgalloc", "frames allocated"},
    {Counter::pgfree, "pgfree", "frames freed"},
    {Counter::pcp_refill, "pcp_refill", "refills of a per-CPU list from the buddy system"},
    {Counter::pcp_drain, "pcp_drain", "drains of a per-CPU list into the buddy system"},
    {Counter::rmap_visits, "rmap_visits", "areas or entries visited by the reverse map"},
    {Counter::rmap_bytes, "rmap_bytes", "bytes that the reverse map occupies at the window's end"},
    {Counter::pgscan, "pgscan", "pages scanned by reclaim"},
    {Counter::pgsteal, "pgsteal", "pages reclaimed"},
    {Counter::pswpin, "pswpin", "pages swapped in"},
    {Counter::pswpout, "pswpout", "pages swapped out"},
    {Counter::kswapd_wake, "kswapd_wake", "wake-ups of kswapd"},
    {Counter::direct_reclaim, "direct_reclaim", "direct reclaims by who allocates"},
    {Counter::oom_kill, "oom_kill", "processes killed for want of memory"},
    {Counter::segfault, "segfault", "processes killed by SIGSEGV: an access that no area permits"},
    {Counter::seq_retry, "seq_retry", "readers of a seqcount that had to start again"},
    {Counter::gup_fast, "gup_fast", "page pinnings without mmap_lock"},
    {Counter::gup_slow, "gup_slow", "page pinnings that had to take mmap_lock"},
    {Counter::context_switch, "context_switch", "switches from one task to another"},
    {Counter::served_max, "served_max",
     "operations that the most served CPU completed (scenarios that compare CPUs)"},
    {Counter::served_min, "served_min",
     "operations that the least served CPU completed; served_max / served_min is the unfairness"},
    {Counter::rcu_grace_periods, "rcu_grace_periods", "RCU grace periods that have ended"},
    {Counter::rcu_callbacks, "rcu_callbacks", "RCU callbacks that have run"},
    {Counter::vma_lock_success, "vma_lock_success", "faults that needed only their area's lock"},
    {Counter::vma_lock_abort, "vma_lock_abort", "faults that could not lock their area, and took mmap_lock"},
    {Counter::vma_lock_retry, "vma_lock_retry", "faults that gave their area's lock up, and took mmap_lock"},
    {Counter::vma_lock_miss, "vma_lock_miss", "areas that had left the tree when a fault had locked them"},
    {Counter::latr_deferred, "latr_deferred", "flushes that the policy latr left to the other cores"},
    {Counter::latr_full, "latr_full",
     "flushes that latr could not leave to others: its CPU's states were all used"},
    {Counter::pgactivate, "pgactivate", "pages that became active"},
    {Counter::pgdeactivate, "pgdeactivate", "pages that became inactive"},
    {Counter::pgrotated, "pgrotated", "pages put behind all inactive ones, to be freed next"},
    {Counter::pageoutrun, "pageoutrun", "rounds of kswapd over its node"},
    {Counter::kswapd_steal, "kswapd_steal", "pages that kswapd has reclaimed"},
    {Counter::nr_vmscan_write, "nr_vmscan_write", "pages that reclaim has begun to write"},
    {Counter::pgpgin, "pgpgin", "pages read from devices"},
    {Counter::pgpgout, "pgpgout", "pages written to devices"},
    {Counter::io_error, "io_error", "requests that a device has failed"},
    {Counter::readahead, "readahead", "pages read because others were"},
    {Counter::readahead_hit, "readahead_hit", "pages read ahead that were then wanted"},
    {Counter::swap_ra, "swap_ra", "pages swapped in because others were"},
    {Counter::swap_ra_hit, "swap_ra_hit", "pages swapped in ahead that were then wanted"},
    {Counter::swap_full, "swap_full", "pages that could not go to swap: no slot was free"},
    {Counter::swap_token, "swap_token", "times that the swap token went to another process"},
    {Counter::balance_dirty_pages, "balance_dirty_pages", "waits of who dirties pages for write-back"},
    {Counter::writeback, "writeback", "pages that write-back has begun to write"},
    {Counter::congestion_wait, "congestion_wait", "waits of reclaim for devices"},
    {Counter::reclaim_flush, "reclaim_flush",
     "flushes of a cluster of unmapped pages (kernel.reclaim_flush batched)"},
    {Counter::rmap_unmapped, "rmap_unmapped", "entries that the reverse map has cleared"},
    {Counter::swapout_scan, "swapout_scan",
     "pages that a scan of address spaces has looked at (kernel.rmap scan)"},
    {Counter::sigbus, "sigbus",
     "processes killed by SIGBUS: a page could not be read, or is behind its file's end"},
    {Counter::cpu_migrations, "cpu_migrations", "tasks that went to another CPU"},
    {Counter::lb_gained, "lb_gained", "those of them that load balancing has moved"},
    {Counter::nr_tlb_remote_flush_received, "nr_tlb_remote_flush_received",
     "TLB flushes that a core did for another one, in an interrupt"},
}};

constexpr bool counters_in_enum_order() {
  for (std::size_t i = 0; i < counter_rows.size(); ++i)
    if (index(counter_rows[i].counter) != i || counter_rows[i].name.empty()) return false;
  return true;
}
static_assert(counters_in_enum_order());

std::uint64_t grown(std::uint64_t end, std::uint64_t start, std::string_view what) {
  if (end < start)
    throw std::logic_error("counter " + std::string(what) + " shrank from " + std::to_string(start) + " to " +
                           std::to_string(end));
  return end - start;
}

Duration grown(Duration end, Duration start, std::string_view what) {
  if (end < start)
    throw std::logic_error("lock class " + std::string(what) + ": time shrank from " +
                           std::to_string(start.count()) + " ps to " + std::to_string(end.count()) + " ps");
  return end - start;
}

} // namespace

std::string_view name(Counter counter) { return counter_rows[index(counter)].name; }

std::string_view help(Counter counter) { return counter_rows[index(counter)].help; }

std::optional<Counter> counter_named(std::string_view name) {
  for (const CounterRow& row : counter_rows)
    if (row.name == name) return row.counter;
  return {};
}

const std::array<LockCounterHelp, 8>& lock_counters() {
  static constexpr std::array<LockCounterHelp, 8> patterns{{
      {"lock_acquired.<class>", "acquisitions of the class's locks"},
      {"lock_contended.<class>", "acquisitions that found the lock taken"},
      {"lock_wait_ns.<class>", "time from request to acquisition of the contended ones, summed, in ns"},
      {"lock_hold_ns.<class>", "time from acquisition to release, summed, in ns"},
      {"lock_wait_max_ns.<class>", "the longest wait, of all seeds, in ns"},
      {"lock_hold_max_ns.<class>", "the longest hold, of all seeds, in ns"},
      {"lock_acq_bounces.<class>", "acquisitions by another CPU than the one before"},
      {"lock_con_bounces.<class>", "contended acquisitions by another CPU than the one before"},
  }};
  return patterns;
}

LockClassId Counters::register_lock_class(std::string_view name) {
  const auto known = std::find(lock_names_.begin(), lock_names_.end(), name);
  const auto id = LockClassId(known - lock_names_.begin());
  if (known == lock_names_.end()) {
    lock_names_.emplace_back(name);
    lock_stats_.emplace_back();
  }
  return id;
}

Counters::Snapshot Counters::snapshot() const {
  Snapshot copy{values_, {}};
  copy.lock_classes.reserve(lock_names_.size());
  for (std::size_t i = 0; i < lock_names_.size(); ++i)
    copy.lock_classes.push_back({lock_names_[i], lock_stats_[i]});
  return copy;
}

LockClassStats Counters::Snapshot::lock_class(std::string_view name) const {
  for (const LockClass& one : lock_classes)
    if (one.name == name) return one.stats;
  return {};
}

void Counters::Snapshot::add(const Snapshot& other) {
  for (std::size_t i = 0; i < counter_count; ++i)
    values[i] += other.values[i];
  for (const LockClass& theirs : other.lock_classes) {
    auto mine = std::find_if(lock_classes.begin(), lock_classes.end(),
                             [&](const LockClass& one) { return one.name == theirs.name; });
    if (mine == lock_classes.end()) {
      lock_classes.push_back(theirs);
      continue;
    }
    mine->stats.acquired += theirs.stats.acquired;
    mine->stats.contended += theirs.stats.contended;
    mine->stats.wait += theirs.stats.wait;
    mine->stats.hold += theirs.stats.hold;
    mine->stats.wait_max = std::max(mine->stats.wait_max, theirs.stats.wait_max);
    mine->stats.hold_max = std::max(mine->stats.hold_max, theirs.stats.hold_max);
    mine->stats.acq_bounces += theirs.stats.acq_bounces;
    mine->stats.con_bounces += theirs.stats.con_bounces;
  }
}

Counters::Snapshot difference(const Counters::Snapshot& end, const Counters::Snapshot& start) {
  Counters::Snapshot window;
  for (std::size_t i = 0; i < counter_count; ++i)
    window.values[i] = grown(end.values[i], start.values[i], counter_rows[i].name);
  for (const auto& [name, after] : end.lock_classes) {
    const LockClassStats before = start.lock_class(name);
    window.lock_classes.push_back(
        {name,
         {grown(after.acquired, before.acquired, name), grown(after.contended, before.contended, name),
          grown(after.wait, before.wait, name), grown(after.hold, before.hold, name), after.wait_max,
          after.hold_max, grown(after.acq_bounces, before.acq_bounces, name),
          grown(after.con_bounces, before.con_bounces, name)}});
  }
  return window;
}

std::optional<std::string> interrupt_imbalance(const Counters::Snapshot& whole_run) {
  const std::uint64_t requested = whole_run[Counter::ipi_requested];
  const std::uint64_t received = whole_run[Counter::ipi_received];
  const std::uint64_t coalesced = whole_run[Counter::ipi_coalesced];
  if (requested == received + coalesced) return {};
  return "interrupts lost or doubled: ipi_requested " + std::to_string(requested) + ", but ipi_received " +
         std::to_string(received) + " + ipi_coalesced " + std::to_string(coalesced) + " = " +
         std::to_string(received + coalesced);
}

} // namespace mmsim
