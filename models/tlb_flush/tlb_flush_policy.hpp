// A TLB flush policy: who is told when translations are taken away, and when.
//
// Timeline of a core and an address space `mm`, all with irqs off:
//   enter(core, mm)        before the core loads mm's tables: say that the core may hold its translations,
//                          and drop what became outdated while it was away
//   loaded(core, mm)       after it
//   enter_lazy(core, mm)   a kernel thread borrows mm and will not touch user memory
//   leave_lazy(core, mm)   a user task of mm runs again on a core that had kept it
//   leave(core, mm)        the core has loaded other tables
// Timeline of a flush, on a core whose task changed entries of mm (irqs on, locks of the change may be held):
//   flush(core, mm, range) returns when no core can use an old translation of the range any more
// The entries are written before flush(); frames and tables are freed after it (but see frees_first()).
// munmap may leave both to the policy instead:
//   defer(core, mm, range, withheld)   flushes here, and the rest later; until then the range is not used
//   complete(core, mm)                 nothing of mm is withheld any more
// Reclaim may leave the flush of single pages to one for many (tlb_batch.hpp, kernel.reclaim_flush):
//   batches(core, mm)                  may mm's wait?
//   batch_add(core, mm, page, cores)   under the table's lock, after its entry was cleared
//   batch_flush(core, cores)           returns when no core can use an old translation of what was added
//   flush_batched_pending(core, mm)    the same at once for mm, whose other entries are about to change
// flush_kernel_range(core, begin, end, all) is the same as flush() for pages of the kernel, which every core
// may use at any time, whatever address space it has loaded.
//
// To add a policy: one .cpp here that derives from this class and registers itself. Nothing else changes.
#pragma once

#include "models/address_space/asid.hpp"
#include "models/address_space/mm_struct.hpp"
#include "models/address_space/withheld.hpp"
#include "models/scheduler/cross_call.hpp"
#include "models/tlb_flush/tlb_range.hpp"
#include "sim/engine/parameter.hpp"
#include "sim/machine/machine.hpp"

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace mmsim {

/// What a flush covers: pages [begin, end) of an address space, or all of it.
struct FlushRange {
  PageNumber begin, end;
  bool whole_mm = false;     ///< more than the ceiling, or the address space goes
  bool freed_tables = false; ///< page tables are freed too: whoever may walk them must know

  static FlushRange all_of(const MmStruct& mm, bool freed_tables = false) {
    return {PageNumber(0), mm.tables.shape().end(), true, freed_tables};
  }
};

class CpuObserver;

/// What policies are made of.
struct FlushMeans {
  Machine& machine;
  CrossCalls& calls;
  AsidAllocator& ids;
  const Configuration& configuration;
  /// The core, with irqs off, leaves the tables that it borrows for those of init_mm: leave() is called. The reference
  /// of who borrows them stays until he is gone.
  std::function<void(Core&)> leave_borrowed_mm;
};

class TlbFlushPolicy {
 public:
  static constexpr std::string_view registry_path = "kernel.tlb_flush";
  using Factory = std::function<std::unique_ptr<TlbFlushPolicy>(const FlushMeans&)>;

  virtual ~TlbFlushPolicy() = default;
  virtual void flush(Core& core, MmStruct& mm, const FlushRange& range) = 0;
  /// `all`: more than the ceiling, everything goes that the kernel or anybody has.
  virtual void flush_kernel_range(Core& core, PageNumber begin, PageNumber end, bool all) = 0;
  /// mmu_gather gives pages and tables back before it asks for the flush.
  virtual bool frees_first() const { return false; }
  /// Why no kernel should flush like that, or nothing.
  virtual std::string_view unsafe() const { return {}; }
  virtual bool defers() const { return false; }
  /// Where the policy defers at all: takes `withheld` over, or leaves it alone and returns false: then the
  /// caller must flush and free.
  virtual bool defer(Core&, MmStruct&, const FlushRange&, std::unique_ptr<Withheld>& withheld) {
    (void)withheld;
    return false;
  }
  /// Ends what was deferred for `mm`, at once. With irqs on, in a task.
  virtual void complete(Core&, MmStruct& mm) { (void)mm; }
  /// should_defer_flush(): the flush of a page of mm may wait for others. By default it may not, and reclaim calls
  /// flush() page by page.
  virtual bool batches(Core&, MmStruct&) { return false; }
  /// arch_tlbbatch_add_mm(): `page` was cleared. `cores` gets those that batch_flush() will have to reach.
  virtual void batch_add(Core&, MmStruct&, PageNumber page, CoreSet& cores) { (void)page, (void)cores; }
  /// arch_tlbbatch_flush().
  virtual void batch_flush(Core&, const CoreSet& cores) { (void)cores; }
  /// flush_tlb_batched_pending(). True if all of mm has been flushed; false if only what was added.
  virtual bool flush_batched_pending(Core& core, MmStruct& mm) {
    flush(core, mm, FlushRange::all_of(mm));
    return true;
  }
  /// flush_tlb_page_nosync(): `page` has become old, and cores may go on for a while without noting that they use it.
  /// Where a flush would have to interrupt them they do, as on x86.
  virtual void flush_page_nosync(Core&, MmStruct&, PageNumber page) { (void)page; }
  /// Who wants to know of ticks and switches of the cores, or null.
  virtual CpuObserver* cpu_observer() { return nullptr; }
  /// True if mm.cpumask holds every core that has the mm's tables loaded.
  virtual bool keeps_mask() const { return false; }
  /// True if mm.cpumask also holds every core whose TLB has entries that the mm would use there again.
  virtual bool mask_covers_entries() const { return keeps_mask(); }
  virtual void enter(Core&, MmStruct&) {}
  virtual void loaded(Core&, MmStruct&) {}
  virtual void enter_lazy(Core&, MmStruct&) {}
  virtual void leave_lazy(Core&, MmStruct&) {}
  virtual void leave(Core&, MmStruct&) {}
  /// After a roll-over of ids the core has dropped everything that it held of `mm`, and is about to load
  /// another one.
  virtual void dropped_all(Core&, MmStruct& mm) { (void)mm; }
};

struct TlbFlushParameters {
  std::string policy, reclaim_flush;
  std::int64_t ceiling, range_ceiling;
  static void declare(Declaration& d, TlbFlushParameters& p) {
    d("kernel.tlb_flush", p.policy, "broadcast", "who is told when translations are taken away",
      "arch/arm64 broadcasts TLBI")
        .registered<TlbFlushPolicy>();
    d("kernel.tlb_flush_ceiling", p.ceiling, 511, "pages above which the whole address-space id is flushed",
      "arm64, 5.10, __flush_tlb_range: the whole id from MAX_TLBI_OPS = 512 pages on")
        .at_least(1);
    d("kernel.tlb_range_ceiling", p.range_ceiling, static_cast<std::int64_t>(max_tlbi_range_pages - 1),
      "the same where the machine has instructions for ranges (machine.tlb.range)",
      "ibid.: from MAX_TLBI_RANGE_PAGES = 2^21 pages on")
        .at_least(1)
        .at_most(static_cast<std::int64_t>(max_tlbi_range_pages - 1));
    d("kernel.reclaim_flush", p.reclaim_flush, "immediate",
      "when reclaim flushes what it unmaps: each page at once, or a cluster of pages together, by one round "
      "of "
      "interrupts or by a TLBI a page and one DSB",
      "arm64 has no ARCH_WANT_BATCHED_UNMAP_TLB_FLUSH in 5.10: batched since 6.6 (x86 since 4.3)")
        .one_of({"immediate", "batched"});
  }
};
inline const DeclareParameters<TlbFlushParameters> declared_tlb_flush_parameters;

/// True if no kernel for a machine like this one has that policy: those that interrupt where TLBI is
/// broadcast, x86's on Arm, `latr` everywhere.
bool what_if(const Configuration& configuration, std::string_view policy);

} // namespace mmsim
