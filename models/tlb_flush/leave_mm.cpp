// Interrupt the cores of mm_cpumask; the first interrupt takes a lazy one off the mm, so that there is no
// second.
//
// Models smp_invalidate_interrupt() and leave_mm() of arch/x86/kernel/smp_64.c, 2.6.24, as a what-if on Arm:
// a core that is lazy on the mm clears its bit and loads init_mm's tables instead of flushing; when a user
// task of the mm runs there again, it sets its bit and loads them anew (switch_mm()). The own TLB is first
// (flush_tlb_mm()). The task's active_mm and its reference stay. x86 had no ids then: with ids the core drops
// what it holds under the mm's id as well, or its bit would have to stay. A batch
// is flush_tlb_all(): who is lazy leaves, whichever mm it has (do_flush_tlb_all()). Left out: x86's limit of 8
// concurrent flushes (NUM_INVALIDATE_TLB_VECTORS) and that the own core leaves too if it is a kernel
// thread's.

#include "models/tlb_flush/shootdown.hpp"

#include <vector>

namespace mmsim {

namespace {

class LeaveMm final : public MaskUntilRollover {
 public:
  explicit LeaveMm(const FlushMeans& means) : MaskUntilRollover(means), lazy_on_(means.machine.cpus()) {}

  void loaded(Core& core, MmStruct&) override { lazy_on(core) = nullptr; }
  void enter_lazy(Core& core, MmStruct& mm) override { lazy_on(core) = &mm; }
  void leave_lazy(Core& core, MmStruct&) override { lazy_on(core) = nullptr; }
  void leave(Core& core, MmStruct& mm) override {
    if (lazy_on(core) == &mm) lazy_on(core) = nullptr;
    MaskUntilRollover::leave(core, mm);
  }

 protected:
  void interrupted(Core& core, const FlushTlbInfo& info) override {
    MmStruct& mm = info.mm;
    if (lazy_on(core) != &mm) return invalidate_here(core, mm, info.range);
    if (means_.ids.has_ids()) {
      invalidate_here(core, mm, FlushRange::all_of(mm));
      clear_bit(core, mm);
    }
    means_.leave_borrowed_mm(core); // by leave(): the bit, without ids
  }
  void flush_batch_here(Core& core) override {
    invalidate_all_here(core);
    MmStruct* const mm = lazy_on(core);
    if (mm == nullptr) return;
    if (means_.ids.has_ids()) clear_bit(core, *mm);
    means_.leave_borrowed_mm(core);
  }

 private:
  // TLBSTATE_LAZY and active_mm of cpu_tlbstate: only its own core looks at it.
  MmStruct*& lazy_on(Core& core) { return lazy_on_[core.id().value()]; }
  std::vector<MmStruct*> lazy_on_;
};

const Registered<TlbFlushPolicy> leave_mm{
    "leave_mm", "interrupts the cores of mm_cpumask; a lazy one leaves the mm at its first interrupt",
    [](const FlushMeans& means) { return std::make_unique<LeaveMm>(means); }, "x86's: what-if on Arm"};

} // namespace
} // namespace mmsim
