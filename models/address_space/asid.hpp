// Address-space ids: which mm has which, and what a core does to use another one.
//
//   ids.check_and_switch(core, mm);   // irqs off: the TLB is looked up under the mm's id from now on
//   ids.use_reserved(core);           // no user translations: init_mm
//
// What follows is the part that all versions share: cpu_switch_mm() (arch/arm64/mm/context.c cpu_do_switch_mm
// of 5.10, arch/arm/mm/proc-v6.S of 2.6.24), the flush of a whole TLB, and a check of what comes out. With 0
// bits there are no ids: every change of address space flushes the core's TLB. How ids are given out, and
// what happens when there are none left, is kernel.asid_allocator: asid_arm64.cpp, asid_armv6.cpp.
//
// The check: whoever loads an mm under an id of which the core's TLB may still hold what another mm made ends
// the run. (The stale-translation oracle alone would not see it: such an entry may be just what the other
// mm's table says.)
//
// Left out: the two ids that an mm has with kernel page-table isolation (KPTI: half as many ids), ids of
// virtual machines, pinned ids (5.9: for devices), common-not-private translations (CNP), the errata whose
// workarounds hang on a switch (Cavium 27456, Cortex-A15 773022), branch predictor hardening. Neither the
// mm's word that holds the id nor kernel.asid_bits' map has a cache line of its own.
#pragma once

#include "models/address_space/asid_implementation.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace mmsim {

struct AsidParameters {
  std::string allocator;
  static void declare(Declaration& d, AsidParameters& p) {
    d("kernel.asid_allocator", p.allocator, "arm64",
      "how address-space ids are given out, and what happens when they run out",
      "arch/arm64/mm/context.c since 4.3; Arm's own since 3.8")
        .registered<AsidImplementation>();
  }
};
inline const DeclareParameters<AsidParameters> declared_asid_parameters;

class AsidAllocator {
 public:
  /// Throws InputError if the machine has not got so many bits, or the kernel cannot use them.
  AsidAllocator(Machine& machine, SpinLocks& locks, std::int64_t bits, const Configuration& configuration);

  bool has_ids() const { return bits_ > 0; }
  /// The id of an mm that has one: what its TLB entries are tagged with. 0 without ids.
  Asid id_of(const MmStruct& mm) const { return Asid(static_cast<std::uint32_t>(mm.context & mask_)); }
  /// Makes `mm`'s translations the ones that the core uses. Called with irqs off.
  void check_and_switch(Core& core, MmStruct& mm);
  /// cpu_set_reserved_ttbr0(): the core leaves user translations for the reserved id, of which the TLB holds
  /// nothing.
  void use_reserved(Core& core);
  /// True if `mm`, which the core has loaded, has another id by now (asid_armv6.cpp).
  bool outdated(Core& core, const MmStruct& mm) const { return has_ids() && core.tlb().asid() != id_of(mm); }
  /// True if the core's TLB has an entry that `mm` would use if the core switched to it. A look from outside.
  bool holds_entries_of(Core& core, const MmStruct& mm) const;

  /// The cores that use the id of `mm`, or did when ids last rolled over (a15_erratum_get_cpumask() of
  /// arch/arm, under cpu_asid_lock). Needs ids.
  CoreSet cores_running(Core& core, const MmStruct& mm) { return implementation_->cores_running(core, mm); }

  /// Told when a core has dropped everything that it held at a roll-over, on its way to `next`.
  std::function<void(Core&, const MmStruct& next)> after_rollover_flush;

  // --- for implementations

  /// local_flush_tlb_all(). `goes_on`: the core goes on in the mm that it has loaded.
  void flush_all(Core& core, bool goes_on);

 private:
  void note_use(Core& core, const MmStruct& mm);

  Machine& machine_;
  const std::int64_t bits_;
  const std::uint64_t mask_;
  std::unique_ptr<AsidImplementation> implementation_;
  std::vector<std::vector<std::uint32_t>>
      used_by_; // by core and id: mm + 1 that was loaded since the last flush
};

} // namespace mmsim
