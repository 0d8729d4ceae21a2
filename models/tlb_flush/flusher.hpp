// The front of every flush: what it covers, the counters, the oracle; then the policy.
//
// Models the callers' side of flush_tlb_mm(), flush_tlb_range(), flush_tlb_page() and
// flush_tlb_kernel_range() (5.10): above a ceiling of pages the whole address space is flushed, or for the
// kernel everything.
#pragma once

#include "models/address_space/oracle.hpp"
#include "models/tlb_flush/tlb_batch.hpp"
#include "models/tlb_flush/tlb_flush_policy.hpp"

namespace mmsim {

class TlbFlusher {
 public:
  TlbFlusher(TlbFlushPolicy& policy, Oracle& oracle, Machine& machine, const Configuration& configuration)
      : policy_(policy), oracle_(oracle) {
    const auto parameters = read_parameters<TlbFlushParameters>(configuration);
    batched_ = parameters.reclaim_flush == "batched";
    kernel_ceiling_ = static_cast<std::uint64_t>(parameters.ceiling) + 1;
    ceiling_ = machine.costs().tlb.range ? static_cast<std::uint64_t>(parameters.range_ceiling)
                                         : static_cast<std::uint64_t>(parameters.ceiling);
  }

  void flush_page(Core& core, MmStruct& mm, PageNumber page) {
    flush(core, mm, {page, page + 1}, Counter::tlb_flush_page);
  }
  /// `freed_tables`: tables that map part of the range were unhooked and will be freed.
  void flush_range(Core& core, MmStruct& mm, PageNumber begin, PageNumber end, bool freed_tables) {
    if (end - begin > ceiling_)
      flush_mm(core, mm, freed_tables);
    else
      flush(core, mm, {begin, end, false, freed_tables}, Counter::tlb_flush_range);
  }
  void flush_mm(Core& core, MmStruct& mm, bool freed_tables) {
    flush(core, mm, FlushRange::all_of(mm, freed_tables), Counter::tlb_flush_mm);
  }
  /// Pages of `init_mm`. The one ceiling of arm64 that is a page higher, and knows no ranges.
  void flush_kernel_range(Core& core, MmStruct& init_mm, PageNumber begin, PageNumber end) {
    const bool all = end - begin > kernel_ceiling_;
    const std::uint64_t ticket =
        begins(core, init_mm, all ? Counter::tlb_flush_all : Counter::tlb_flush_range);
    policy_.flush_kernel_range(core, begin, end, all);
    core.settle();
    oracle_.flush_ends(init_mm, begin, end, ticket);
  }

  /// True if munmap should ask defer() first.
  bool defers() const { return policy_.defers(); }
  /// munmap's flush. True if the policy has taken `withheld` over; else the flush is still to be made.
  bool defer(Core& core, MmStruct& mm, PageNumber begin, PageNumber end, bool freed_tables,
             std::unique_ptr<Withheld>& withheld) {
    const FlushRange range = end - begin > ceiling_ ? FlushRange::all_of(mm, freed_tables)
                                                    : FlushRange{begin, end, false, freed_tables};
    core.charge(core.costs().work.flush_setup, Account::tlb_local);
    if (!policy_.defer(core, mm, range, withheld)) return false;
    core.counters().add(range.whole_mm ? Counter::tlb_flush_mm : Counter::tlb_flush_range);
    return true;
  }
  /// Before [first, first + pages) is mapped at an address of the caller's choice, or mm goes.
  void complete(Core& core, MmStruct& mm, PageNumber first, std::uint64_t pages) {
    if (!mm.withheld.empty() && mm.withheld.past(first, pages) != first) policy_.complete(core, mm);
  }
  void complete(Core& core, MmStruct& mm) {
    if (!mm.withheld.empty()) policy_.complete(core, mm);
  }
  bool frees_first() const { return policy_.frees_first(); }

  // Batches of reclaim (tlb_batch.hpp, which says in which order).

  /// should_defer_flush(): the flush of a page of mm may wait.
  bool batches(Core& core, MmStruct& mm) { return batched_ && policy_.batches(core, mm); }
  /// set_tlb_ubc_flush_pending(): `page` was cleared, with its table's lock held. mm says so from now on.
  void batch_add(Core& core, MmStruct& mm, PageNumber page, TlbBatch& batch) {
    policy_.batch_add(core, mm, page, batch.cores);
    core.write(mm.tlb_flush_batched_line);
    ++mm.tlb_flush_batched;
    batch.changes.push_back({mm.id, page, oracle_.flush_begins(mm)});
  }
  /// try_to_unmap_flush(): no core can use any of it any more. Empties the batch. `mm_of` finds an mm by its number, or
  /// null.
  template <class Find>
  void batch_flush(Core& core, TlbBatch& batch, Find&& mm_of) {
    core.charge(core.costs().work.flush_setup, Account::tlb_local);
    core.counters().add(Counter::reclaim_flush);
    policy_.batch_flush(core, batch.cores);
    core.settle();
    for (const TlbBatch::Change& change : batch.changes)
      if (MmStruct* const mm = mm_of(change.mm))
        oracle_.flush_ends(*mm, change.page, change.page + 1, change.ticket);
    batch.changes.clear();
    batch.cores.clear();
  }
  /// flush_tlb_batched_pending(): before other entries of mm are changed, with their table's lock held. It counts, as
  /// since 5.17: the flag of 4.14 to 5.16 may be cleared by who has not flushed what was added last.
  void flush_batched_pending(Core& core, MmStruct& mm) {
    if (!batched_) return;
    core.read(mm.tlb_flush_batched_line);
    const std::uint64_t pending = mm.tlb_flush_batched;
    if (pending == mm.tlb_flush_batched_done) return;
    const std::uint64_t ticket = oracle_.flush_begins(mm);
    core.charge(core.costs().work.flush_setup, Account::tlb_local);
    if (policy_.flush_batched_pending(core, mm)) {
      core.counters().add(Counter::tlb_flush_mm);
      core.settle();
      const FlushRange range = FlushRange::all_of(mm);
      oracle_.flush_ends(mm, range.begin, range.end, ticket);
    }
    core.write(mm.tlb_flush_batched_line);
    mm.tlb_flush_batched_done = std::max(mm.tlb_flush_batched_done, pending);
  }
  /// The flush of a page that has become old: nobody waits for it.
  void flush_page_nosync(Core& core, MmStruct& mm, PageNumber page) {
    policy_.flush_page_nosync(core, mm, page);
  }

 private:
  std::uint64_t begins(Core& core, MmStruct& mm, Counter counter) {
    core.charge(core.costs().work.flush_setup, Account::tlb_local);
    core.counters().add(counter);
    core.settle();
    return oracle_.flush_begins(mm);
  }
  void flush(Core& core, MmStruct& mm, const FlushRange& range, Counter counter) {
    const std::uint64_t ticket = begins(core, mm, counter);
    policy_.flush(core, mm, range);
    core.settle();
    oracle_.flush_ends(mm, range.begin, range.end, ticket);
  }

  TlbFlushPolicy& policy_;
  Oracle& oracle_;
  std::uint64_t ceiling_, kernel_ceiling_;
  bool batched_; ///< kernel.reclaim_flush
};

} // namespace mmsim
