// The front of every flush: what it covers, the counters, the oracle; then the policy.
//
// Models the callers' side of flush_tlb_mm(), flush_tlb_range() and flush_tlb_page() (5.10): above a ceiling
// of pages the whole address space is flushed.
#pragma once

#include "models/address_space/oracle.hpp"
#include "models/tlb_flush/tlb_flush_policy.hpp"

namespace mmsim {

class TlbFlusher {
 public:
  TlbFlusher(TlbFlushPolicy& policy, Oracle& oracle, const Configuration& configuration)
      : policy_(policy), oracle_(oracle),
        ceiling_(static_cast<std::uint64_t>(read_parameters<TlbFlushParameters>(configuration).ceiling)) {}

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
    flush(core, mm, {PageNumber(0), mm.tables.shape().end(), true, freed_tables}, Counter::tlb_flush_mm);
  }

 private:
  void flush(Core& core, MmStruct& mm, const FlushRange& range, Counter counter) {
    core.charge(core.costs().work.flush_setup, Account::tlb_local);
    core.counters().add(counter);
    core.settle();
    const std::uint64_t ticket = oracle_.flush_begins(mm);
    policy_.flush(core, mm, range);
    core.settle();
    oracle_.flush_ends(mm, range.begin, range.end, ticket);
  }

  TlbFlushPolicy& policy_;
  Oracle& oracle_;
  const std::uint64_t ceiling_;
};

} // namespace mmsim
