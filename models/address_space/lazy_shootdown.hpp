// Shooting down lazy uses of an address space that goes: kernel.lazy_ref = "shootdown".
//
//   shootdown.clean_up(core, mm);   // in __mmdrop(), before the directory is freed: nobody uses mm after it
//
// Models cleanup_lazy_tlbs() and do_shoot_lazy_tlb() of kernel/fork.c, Linux 6.4 with
// CONFIG_MMU_LAZY_TLB_SHOOTDOWN (powerpc64): borrowing an mm counts nothing, so mm_count is not touched on
// the way to a kernel thread or idle and back, and the last mmput() is the last mmdrop(). Before it frees the
// directory it has all cores of mm_cpumask(mm), its own included, leave mm for init_mm's tables if they use
// it lazily (on_each_cpu_mask, waiting). It runs where the last user task exits, with irqs on and no locks.
//
// Which cores: those of mm_cpumask where the TLB flush policy keeps it, as it does on powerpc. arm64 keeps
// none (and counts: this is a what-if there). Under policies without a mask mm.lazy_mask is kept for the
// purpose, on a line of its own, in the way of powerpc: a core looks and adds itself when it loads an mm
// where it has not been before, and never goes. (The other way, interrupting every online core at each exit,
// would cost nothing at a switch and much at an exit.)
//
// Left out: leaving lazily used tables at exit's last TLB flush (exit_flush_lazy_tlbs of powerpc's radix). The
// own core leaves mm after it has waited for the others; on_each_cpu_mask() does so before it waits.
#pragma once

#include "models/address_space/mm_switch.hpp"
#include "models/scheduler/cross_call.hpp"
#include "models/scheduler/scheduler.hpp"

namespace mmsim {

class LazyShootdown {
 public:
  LazyShootdown(Machine& machine, CrossCalls& calls, Scheduler& scheduler, MmSwitch& mm_switch,
                TlbFlushPolicy& policy)
      : machine_(machine), calls_(calls), scheduler_(scheduler), mm_switch_(mm_switch), policy_(policy) {}

  /// cleanup_lazy_tlbs(). Throws Violation if a core uses `mm` afterwards (CONFIG_DEBUG_VM_SHOOT_LAZIES).
  void clean_up(Core& core, MmStruct& mm);

  /// How many address spaces were freed, and how many cores were taken off them.
  std::uint64_t cleaned() const { return cleaned_; }
  std::uint64_t shot() const { return shot_; }

 private:
  class Call;
  void shoot(Core& core, MmStruct& mm);

  Machine& machine_;
  CrossCalls& calls_;
  Scheduler& scheduler_;
  MmSwitch& mm_switch_;
  TlbFlushPolicy& policy_;
  std::uint64_t cleaned_ = 0, shot_ = 0;
};

} // namespace mmsim
