// Interrupt the cores of mm_cpumask, lazy ones included.
//
// Models arch/arm/kernel/smp.c of 2.6.24: flush_tlb_mm() and its kind through
// on_each_cpu_mask(mm->cpu_vm_mask), whose caller runs the function itself after all others have.

#include "models/tlb_flush/shootdown.hpp"

namespace mmsim {

namespace {

class Eager final : public MaskUntilRollover {
 public:
  using MaskUntilRollover::MaskUntilRollover;
  bool own_tlb_last() const override { return true; }
};

const Registered<TlbFlushPolicy> eager{"eager", "interrupts the cores of mm_cpumask",
                                       [](const FlushMeans& means) { return std::make_unique<Eager>(means); },
                                       "what-if where TLBI is broadcast"};

} // namespace
} // namespace mmsim
