// What the policies that interrupt have in common: flush here, then have the targets flush and wait for them.
//
// Models flush_tlb_mm_range() and flush_tlb_func() of arch/x86 (5.10) and on_each_cpu_mask() of arch/arm
// (2.6.24): pages one by one up to a ceiling, else the whole id.
// Left out: Arm 2.6.24 waits for the others before it flushes here (on_each_cpu_mask); here the own TLB is first in
// both versions.
#pragma once

#include "models/tlb_flush/tlb_flush_policy.hpp"

namespace mmsim {

class ShootdownPolicy : public TlbFlushPolicy {
 public:
  explicit ShootdownPolicy(const FlushMeans& means) : means_(means) {}
  void flush(Core& core, MmStruct& mm, const FlushRange& range) override;

 protected:
  /// The other cores to interrupt. Reads of shared state cost what their lines cost.
  virtual CoreSet targets(Core& core, MmStruct& mm, const FlushRange& range) = 0;
  /// Before the first invalidation: the flush becomes visible to cores that come and go.
  virtual void announce(Core&, MmStruct&) {}
  /// A core has invalidated `range`; `generation` was the mm's when the flush was announced.
  virtual void flushed(Core&, MmStruct&, const FlushRange&, std::uint64_t generation) { (void)generation; }

  /// Invalidates on this core alone, with the barrier.
  void invalidate_here(Core& core, MmStruct& mm, const FlushRange& range);

  FlushMeans means_;

 private:
  class Call;
};

/// Policies that keep mm_cpumask: the bit is set before the core loads the tables.
class MaskedShootdownPolicy : public ShootdownPolicy {
 public:
  using ShootdownPolicy::ShootdownPolicy;
  bool keeps_mask() const final { return true; }
  void enter(Core& core, MmStruct& mm) override;

 protected:
  void clear_bit(Core& core, MmStruct& mm);
  /// A copy of the mask without `core`.
  CoreSet others_in_mask(Core& core, MmStruct& mm);
};

} // namespace mmsim
