// Interrupt the cores of mm_cpumask, lazy ones included.
//
// Models arch/arm/kernel/smp.c of 2.6.24 (flush_tlb_mm() and its kind through
// on_each_cpu_mask(mm->cpu_vm_mask)). The mask, without ids: set on switching to the mm, kept while lazy,
// cleared on switching to another mm, where the TLB is flushed. With ids a core keeps tagged entries when it
// switches away, so its bit stays until ids roll over.

#include "models/tlb_flush/shootdown.hpp"

namespace mmsim {

namespace {

class Eager final : public MaskedShootdownPolicy {
 public:
  using MaskedShootdownPolicy::MaskedShootdownPolicy;
  CoreSet targets(Core& core, MmStruct& mm, const FlushRange&) override { return others_in_mask(core, mm); }
  void leave(Core& core, MmStruct& mm) override {
    if (!means_.ids.has_ids()) clear_bit(core, mm);
  }
  void dropped_all(Core& core, MmStruct& mm) override { clear_bit(core, mm); }
};

const Registered<TlbFlushPolicy> eager{"eager", "interrupts the cores of mm_cpumask",
                                       [](const FlushMeans& means) { return std::make_unique<Eager>(means); },
                                       "what-if where TLBI is broadcast"};

} // namespace
} // namespace mmsim
