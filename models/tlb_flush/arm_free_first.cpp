// Pages are given back before the TLBs are flushed: a bug that Arm had, kept to be found.
//
// Models Arm's own mmu_gather (include/asm-arm/tlb.h of 2.6.24): tlb_remove_page() frees at once, in
// zap_pte_range(); the flush comes at tlb_end_vma(), or for an address space that goes at tlb_finish_mmu().
// Between the two another thread of the process reads and writes a page that may be somebody else's by then.
// With several cores that is a race, which was fixed in 2011 (3.0: pages wait in the gather). Who is
// interrupted is as in `eager`. The oracle ends a run that meets the race.
//
// Here the flush comes in tlb_finish_mmu() in either case, one for all areas, and tables are given back after
// it: pte_free_tlb() freed them at once, which did no harm on cores of the time, whose walkers remembered
// none.

#include "models/tlb_flush/shootdown.hpp"

namespace mmsim {

namespace {

class ArmFreeFirst final : public MaskUntilRollover {
 public:
  using MaskUntilRollover::MaskUntilRollover;
  bool own_tlb_last() const override { return true; }
  bool frees_first() const override { return true; }
  std::string_view unsafe() const override {
    return "pages are given back before the flush (Arm up to 2.6.39): the oracle ends the run when one is "
           "used";
  }
};

const Registered<TlbFlushPolicy> arm_free_first{
    "arm_free_first", "as eager, but pages are freed before the flush (Arm's mmu_gather of 2.6.24)",
    [](const FlushMeans& means) { return std::make_unique<ArmFreeFirst>(means); },
    "unsafe: a bug of its time; what-if where TLBI is broadcast"};

} // namespace
} // namespace mmsim
