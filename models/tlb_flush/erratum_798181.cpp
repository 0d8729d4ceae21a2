// Broadcast, and then an interrupt to the cores that run the mm, whose handler is only a barrier: Cortex-A15.
//
// Models arch/arm/kernel/smp_tlb.c since 3.10 with CONFIG_ARM_ERRATA_798181: on a Cortex-A15 up to r3p2 the
// DSB after a broadcast TLBI may return while another core still uses the old entry, unless that core
// executes a barrier too. So broadcast_tlb_mm_a15_erratum() calls the cores that run the mm's id, now or when
// ids last rolled over (a15_erratum_get_cpumask(), under cpu_asid_lock), and broadcast_tlb_a15_erratum(),
// after kernel pages, all of them; the handler executes a DMB. Without ids nobody knows who runs what, and
// all are called. Reclaim's batches do not exist (32-bit Arm has none): each page is flushed at once. The dummy
// TLBI that goes before the calls on some revisions is left out, and so is what the erratum itself would do:
// the model's broadcasts always work.

#include "models/tlb_flush/broadcast.hpp"

namespace mmsim {

namespace {

class Erratum798181 final : public TlbFlushPolicy {
 public:
  explicit Erratum798181(const FlushMeans& means) : means_(means), instructions_(means, "erratum_798181") {}

  void flush(Core& core, MmStruct& mm, const FlushRange& range) override {
    instructions_.flush(core, mm, range);
    if (means_.machine.cpus() == 1) return;
    call(core, means_.ids.has_ids() ? means_.ids.cores_running(core, mm) : means_.machine.online());
  }
  void flush_kernel_range(Core& core, PageNumber begin, PageNumber end, bool all) override {
    instructions_.flush_kernel_range(core, begin, end, all);
    if (means_.machine.cpus() > 1) call(core, means_.machine.online());
  }

 private:
  struct Barrier final : RemoteCall {
    void run(Core& core) override { core.charge(core.costs().tlb.dsb, Account::tlb_local); }
  };
  void call(Core& core, CoreSet cores) {
    cores.erase(core.id());
    Barrier barrier;
    means_.calls.call(core, cores, barrier);
  }

  FlushMeans means_;
  BroadcastInstructions instructions_;
};

const Registered<TlbFlushPolicy> erratum_798181{
    "erratum_798181", "TLBI inner shareable, and an interrupt to the cores that run the mm (Cortex-A15)",
    [](const FlushMeans& means) { return std::make_unique<Erratum798181>(means); },
    "what-if on machines without machine.tlb.erratum_798181"};

} // namespace
} // namespace mmsim
