// A TLB flush policy: who is told when translations are taken away, and when.
//
// Timeline of a core and an address space `mm`, all with irqs off:
//   enter(core, mm)        before the core loads mm's tables: say that the core may hold its translations,
//   and drop what
//                          became outdated while it was away
//   loaded(core, mm)       after it
//   enter_lazy(core, mm)   a kernel thread borrows mm and will not touch user memory
//   leave_lazy(core, mm)   a user task of mm runs again on a core that had kept it
//   leave(core, mm)        the core has loaded other tables
// Timeline of a flush, on a core whose task changed entries of mm (irqs on, locks of the change may be held):
//   flush(core, mm, range) returns when no core can use an old translation of the range any more
// The entries are written before flush(); frames and tables are freed after it.
//
// To add a policy: one .cpp here that derives from this class and registers itself. Nothing else changes.
#pragma once

#include "models/address_space/asid.hpp"
#include "models/address_space/mm_struct.hpp"
#include "models/scheduler/cross_call.hpp"
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
};

/// What policies are made of.
struct FlushMeans {
  Machine& machine;
  CrossCalls& calls;
  AsidAllocator& ids;
};

class TlbFlushPolicy {
 public:
  static constexpr std::string_view registry_path = "kernel.tlb_flush";
  using Factory = std::function<std::unique_ptr<TlbFlushPolicy>(const FlushMeans&)>;

  virtual ~TlbFlushPolicy() = default;
  virtual void flush(Core& core, MmStruct& mm, const FlushRange& range) = 0;
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
  std::string policy;
  std::int64_t ceiling;
  static void declare(Declaration& d, TlbFlushParameters& p) {
    d("kernel.tlb_flush", p.policy, "broadcast", "who is told when translations are taken away",
      "arch/arm64 broadcasts TLBI")
        .registered<TlbFlushPolicy>();
    d("kernel.tlb_flush_ceiling", p.ceiling, 512, "pages above which the whole address-space id is flushed",
      "MAX_TLBI_OPS of arm64, 5.10")
        .at_least(1);
  }
};
inline const DeclareParameters<TlbFlushParameters> declared_tlb_flush_parameters;

/// True if a machine like this one would never run that policy: interrupts where TLBI is broadcast.
bool what_if(const Configuration& configuration, std::string_view policy);

} // namespace mmsim
