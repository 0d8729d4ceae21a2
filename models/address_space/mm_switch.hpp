// What a core does with address spaces when it changes from one task to another.
//
// Models switch_mm(), enter_lazy_tlb() and the reference counting of context_switch() and
// finish_task_switch() in 5.10: a kernel thread (or idle) after a user task borrows its mm and takes a
// reference on mm_count; kernel thread after kernel thread hands the borrowed mm on; the reference is dropped
// after the switch back. In 2.6.24 every kernel thread takes a reference of its own before it goes lazy, and
// the one before it drops its own after the switch (kernel.active_mm_handed_on = false). With kernel.lazy_ref
// = "shootdown" nobody counts (lazy_shootdown.hpp). With kernel.kthread_switch = "eager" a core leaves for
// init_mm's tables instead and takes no reference (and flushes only where there are no ids). Left out:
// references on init_mm's own mm_count.
//
// A switch between two tasks of one mm costs nothing here, as in switch_mm() of 5.10 (prev != next), unless
// the mm has got another id meanwhile, which 2.6.24's allocator permits: then the tables are loaded again.
#pragma once

#include "models/address_space/asid.hpp"
#include "models/address_space/mm_struct.hpp"
#include "models/scheduler/scheduler.hpp"
#include "models/tlb_flush/tlb_flush_policy.hpp"

#include <functional>
#include <string>
#include <vector>

namespace mmsim {

struct KthreadSwitchParameters {
  std::string kthread_switch, lazy_ref;
  bool handed_on;
  static void declare(Declaration& d, KthreadSwitchParameters& p) {
    d("kernel.kthread_switch", p.kthread_switch, "lazy",
      "what a core does with the user's tables when it runs a kernel thread: keep them (lazy) or leave them "
      "(eager)",
      "lazy TLB since Linux 2.2")
        .one_of({"lazy", "eager"});
    d("kernel.lazy_ref", p.lazy_ref, "counted",
      "what keeps an mm that kernel threads borrow: a reference on mm_count (counted), or nothing, and the "
      "borrowers are interrupted before it goes (shootdown)",
      "mm_count; CONFIG_MMU_LAZY_TLB_SHOOTDOWN since 6.4, powerpc64 alone: a what-if on Arm")
        .one_of({"counted", "shootdown"});
    d("kernel.active_mm_handed_on", p.handed_on, true,
      "a kernel thread after a kernel thread takes over what that one has borrowed with its reference, "
      "instead of taking one of its own",
      "kernel/sched/core.c context_switch since 5.4 (139d025cda1d)");
  }
};
inline const DeclareParameters<KthreadSwitchParameters> declared_kthread_switch;

class MmSwitch final : public MmSwitcher {
 public:
  MmSwitch(Machine& machine, AsidAllocator& ids, TlbFlushPolicy& policy, const Configuration& configuration);

  /// init_mm, and how to free an mm whose last reference has gone.
  void connect(MmStruct& init_mm, std::function<void(Core&, MmStruct&)> free_mm);

  void switch_mm(Core& core, MmStruct* previous, MmStruct* next) override;
  MmStruct* enter_kernel_thread(Core& core, MmStruct* previous, bool from_user) override;
  void drop_borrowed(Core& core, MmStruct* mm) override;
  bool hands_on() const override { return handed_on_; }

  /// exit_mm(): the task gives up its mm but the core keeps the tables, as a kernel thread would.
  void enter_lazy_tlb(Core& core);
  /// mmgrab_lazy_tlb(): the core goes on borrowing `mm`.
  void mmgrab_lazy_tlb(Core& core, MmStruct& mm) {
    if (counted_) mm.count.increment(core);
  }
  bool counted() const { return counted_; }
  /// switch_mm() to init_mm, which it returns, with irqs off.
  MmStruct& leave_for_init_mm(Core& core) {
    load(core, *init_mm_);
    return *init_mm_;
  }
  /// The cores that have the tables of `mm` loaded. A look from outside.
  std::vector<CoreId> cores_on(const MmStruct& mm) const;
  /// mmdrop().
  void mmdrop(Core& core, MmStruct& mm);
  /// The mm whose tables the core has loaded.
  MmStruct& loaded(CoreId core) { return *cpus_[core.value()].loaded; }
  /// How often a core went from a user task to a kernel thread or idle.
  std::uint64_t kernel_entries() const { return kernel_entries_; }
  bool is_lazy(CoreId core) const { return cpus_[core.value()].lazy; }

 private:
  struct PerCpu {
    MmStruct* loaded = nullptr;
    bool lazy = false;
  };
  void load(Core& core, MmStruct& next);
  void join_lazy_mask(Core& core, MmStruct& mm);

  Machine& machine_;
  AsidAllocator& ids_;
  TlbFlushPolicy& policy_;
  const bool lazy_, counted_, handed_on_;
  MmStruct* init_mm_ = nullptr;
  std::function<void(Core&, MmStruct&)> free_mm_;
  std::vector<PerCpu> cpus_;
  std::uint64_t kernel_entries_ = 0;
};

} // namespace mmsim
