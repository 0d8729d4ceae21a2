// What the policies that interrupt have in common: flush here, have the targets flush, and wait for them.
//
// Models flush_tlb_mm_range() and flush_tlb_func() of arch/x86 (5.10), which flushes the own TLB first, and
// on_each_cpu_mask() of arch/arm/kernel/smp.c (2.6.24), which waits until the others have run the function
// before it runs it itself: own_tlb_last() chooses. Pages go one by one up to a ceiling, with instructions
// for ranges where the machine has them, else the whole id goes. flush_kernel_range() is on_each_cpu(): every
// online core, lazy or not.
//
// A batch (tlb_batch.hpp) is arch_tlbbatch_flush() of arch/x86/mm/tlb.c, 5.10: the cores that any of its mms may have
// translations on are interrupted once, and each drops all that it has. A flush waits for others only if another core is
// concerned at all.
#pragma once

#include "models/tlb_flush/tlb_flush_policy.hpp"

namespace mmsim {

/// One flush, for the cores that take part in it: flush_tlb_info.
struct FlushTlbInfo {
  MmStruct& mm;
  FlushRange range;
  std::uint64_t new_tlb_gen; ///< the mm's generation with this flush, under policies that count them
};

class ShootdownPolicy : public TlbFlushPolicy {
 public:
  explicit ShootdownPolicy(const FlushMeans& means) : means_(means) {}
  void flush(Core& core, MmStruct& mm, const FlushRange& range) override;
  void flush_kernel_range(Core& core, PageNumber begin, PageNumber end, bool all) override;
  bool batches(Core& core, MmStruct& mm) override;
  void batch_add(Core& core, MmStruct& mm, PageNumber page, CoreSet& cores) override;
  void batch_flush(Core& core, const CoreSet& cores) override;

 protected:
  /// The other cores to interrupt. Reads of shared state cost what their lines cost.
  virtual CoreSet targets(Core& core, MmStruct& mm, const FlushRange& range) = 0;
  /// All cores that may have translations of mm, this one included.
  virtual CoreSet holders(Core&, MmStruct&) { return means_.machine.online(); }
  /// Of those that a batch names, the other cores to interrupt now.
  virtual CoreSet batch_targets(Core& core, CoreSet cores) {
    cores.erase(core.id());
    return cores;
  }
  /// What a core does for a batch, with irqs off: itself, or in its handler.
  virtual void flush_batch_here(Core& core) { invalidate_all_here(core); }
  /// Before the first invalidation: the flush becomes visible to cores that come and go. Returns the mm's generation
  /// with it.
  virtual std::uint64_t announce(Core&, MmStruct& mm) { return mm.generation; }
  /// What the core that flushes does about its own TLB.
  virtual void flush_own(Core& core, const FlushTlbInfo& info) { invalidate_here(core, info.mm, info.range); }
  /// What a target does in its handler.
  virtual void interrupted(Core& core, const FlushTlbInfo& info) {
    invalidate_here(core, info.mm, info.range);
  }
  /// The order of on_each_cpu_mask(): the own TLB after the others have done.
  virtual bool own_tlb_last() const { return false; }

  /// Invalidates on this core alone, with the barrier.
  void invalidate_here(Core& core, MmStruct& mm, const FlushRange& range);
  /// Everything that this core has, of all address spaces.
  void invalidate_all_here(Core& core);
  /// All online cores but this one.
  CoreSet others_online(Core& core) const;

  // For those who keep mm_cpumask.
  static void set_bit(Core& core, MmStruct& mm);
  static void clear_bit(Core& core, MmStruct& mm);
  /// A copy of the mask without `core`.
  static CoreSet others_in_mask(Core& core, MmStruct& mm);
  /// A copy of the mask.
  static CoreSet all_in_mask(Core& core, MmStruct& mm);

  FlushMeans means_;

 private:
  class Call;
  class KernelCall;
  class BatchCall;
  void invalidate_kernel_here(Core& core, PageNumber begin, PageNumber end, bool all);
};

/// Policies that keep mm_cpumask: the bit is set before the core loads the tables.
class MaskedShootdownPolicy : public ShootdownPolicy {
 public:
  using ShootdownPolicy::ShootdownPolicy;
  bool keeps_mask() const final { return true; }
  void enter(Core& core, MmStruct& mm) override { set_bit(core, mm); }

 protected:
  CoreSet holders(Core& core, MmStruct& mm) override { return all_in_mask(core, mm); }
};

/// The mask as `eager` keeps it. Without ids: set on switching to the mm, kept while lazy, cleared on
/// switching to another mm, where the TLB is flushed. With ids a core keeps tagged entries when it switches
/// away, so its bit stays until ids roll over.
class MaskUntilRollover : public MaskedShootdownPolicy {
 public:
  using MaskedShootdownPolicy::MaskedShootdownPolicy;
  void leave(Core& core, MmStruct& mm) override {
    if (!means_.ids.has_ids()) clear_bit(core, mm);
  }
  void dropped_all(Core& core, MmStruct& mm) override { clear_bit(core, mm); }

 protected:
  CoreSet targets(Core& core, MmStruct& mm, const FlushRange&) override { return others_in_mask(core, mm); }
};

} // namespace mmsim
