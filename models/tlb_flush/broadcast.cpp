// TLBI to the inner-shareable domain, then DSB: no interrupt, no mask.
//
// Models arch/arm64/include/asm/tlbflush.h of 5.10 (__flush_tlb_range, flush_tlb_mm): a TLBI for every page
// up to a ceiling, else one for the whole id, then a DSB that returns when every core of the domain has
// completed. Needs a core with broadcast maintenance. Left out: range instructions (Armv8.4), the hint of the
// level.

#include "models/tlb_flush/tlb_flush_policy.hpp"

#include "sim/engine/configuration.hpp"

namespace mmsim {

namespace {

class Broadcast final : public TlbFlushPolicy {
 public:
  explicit Broadcast(const FlushMeans& means) : means_(means) {
    if (!means.machine.costs().tlb.broadcast)
      throw InputError("kernel.tlb_flush = \"broadcast\", but this machine has no broadcast TLBI "
                       "(machine.tlb.broadcast = false): choose \"eager\" or another policy that interrupts");
  }
  void flush(Core& core, MmStruct& mm, const FlushRange& range) override {
    Maintenance& maintenance = means_.machine.maintenance();
    using Kind = Maintenance::Scope::Kind;
    const Asid asid = means_.ids.id_of(mm);
    if (range.whole_mm)
      maintenance.broadcast(core, {means_.ids.has_ids() ? Kind::id : Kind::all, asid, {}});
    else
      for (PageNumber page = range.begin; page < range.end; ++page)
        maintenance.broadcast(core, {Kind::page, asid, page, !range.freed_tables});
    maintenance.broadcast_barrier(core);
  }

 private:
  FlushMeans means_;
};

const Registered<TlbFlushPolicy> broadcast{
    "broadcast", "TLBI inner shareable, no interrupt (arm64's own)",
    [](const FlushMeans& means) { return std::make_unique<Broadcast>(means); }};

} // namespace
} // namespace mmsim
