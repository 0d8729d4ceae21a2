// Address-space ids: which mm has which, and what happens when they run out.
//
// Models arch/arm64/mm/context.c of 5.10: an mm keeps its id as long as the generation of ids lasts; when
// none is left a new generation begins, ids in use on a core at that moment stay reserved for their mm, and
// every core flushes its whole TLB before it next loads an id (flush_context, new_context,
// check_and_switch_context, under cpu_asid_lock). With 0 bits there are no ids: every change of address space
// flushes the core's TLB. Left out: the two ids an mm has with kernel page-table isolation, virtual-machine
// ids, pinned ids.
#pragma once

#include "models/address_space/mm_struct.hpp"
#include "models/locks/spinlock.hpp"
#include "sim/machine/machine.hpp"

#include <cstdint>
#include <functional>
#include <vector>

namespace mmsim {

class AsidAllocator {
 public:
  AsidAllocator(Machine& machine, SpinLocks& locks, std::int64_t bits);

  bool has_ids() const { return bits_ > 0; }
  /// The id of an mm that has one: what its TLB entries are tagged with. 0 without ids.
  Asid id_of(const MmStruct& mm) const { return Asid(static_cast<std::uint32_t>(mm.context & mask_)); }
  /// Makes `mm`'s translations the ones that the core uses. Called with irqs off.
  void check_and_switch(Core& core, MmStruct& mm);
  /// The core leaves user translations: the reserved id, of which the TLB holds nothing.
  void use_reserved(Core& core) { core.tlb().use(Asid(0)); }

  /// The cores that use the id of `mm`, or did when ids last rolled over (a15_erratum_get_cpumask() of arch/arm, under
  /// cpu_asid_lock). Needs ids.
  CoreSet cores_running(Core& core, const MmStruct& mm);

  /// Told when a core has dropped everything that it held at a roll-over, on its way to `next`.
  std::function<void(Core&, const MmStruct& next)> after_rollover_flush;

 private:
  struct PerCpu {
    std::uint64_t active = 0, reserved = 0;
    bool flush_pending = false;
  };
  std::uint64_t generation() const { return generation_ << bits_; }
  bool is_current(std::uint64_t context) const { return context != 0 && context >> bits_ == generation_; }
  std::uint64_t new_context(Core& core, const MmStruct& mm);
  void roll_over(Core& core);

  Machine& machine_;
  std::int64_t bits_;
  std::uint64_t mask_;
  std::unique_ptr<SpinLock> lock_;
  std::uint64_t generation_ = 1;
  std::uint64_t next_ = 1;
  std::vector<bool> used_;
  std::vector<PerCpu> cpus_;
};

} // namespace mmsim
