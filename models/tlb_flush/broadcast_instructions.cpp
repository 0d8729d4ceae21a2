#include "models/tlb_flush/broadcast.hpp"

#include "sim/engine/configuration.hpp"

#include <spdlog/fmt/fmt.h>

namespace mmsim {

BroadcastInstructions::BroadcastInstructions(const FlushMeans& means, std::string_view policy)
    : maintenance_(means.machine.maintenance()), ids_(means.ids) {
  if (!means.machine.costs().tlb.broadcast)
    throw InputError(
        fmt::format("kernel.tlb_flush = \"{}\", but this machine has no broadcast TLBI "
                    "(machine.tlb.broadcast = false): choose \"eager\" or another policy that interrupts",
                    policy),
        means.configuration.last_written({TlbFlushPolicy::registry_path, "machine.tlb.broadcast"}));
}

void BroadcastInstructions::flush(Core& core, MmStruct& mm, const FlushRange& range) {
  using Kind = Maintenance::Scope::Kind;
  const Asid asid = ids_.id_of(mm);
  if (range.whole_mm) {
    maintenance_.broadcast(core, {ids_.has_ids() ? Kind::id : Kind::all, asid, {}});
  } else {
    for_each_tlbi(range.begin, range.end, core.costs().tlb.range, [&](PageNumber first, std::uint64_t pages) {
      maintenance_.broadcast(
          core, {pages == 1 ? Kind::page : Kind::range, asid, first, !range.freed_tables, pages});
    });
  }
  maintenance_.broadcast_barrier(core);
}

void BroadcastInstructions::flush_kernel_range(Core& core, PageNumber begin, PageNumber end, bool all) {
  using Kind = Maintenance::Scope::Kind;
  if (all)
    maintenance_.broadcast(core, {Kind::all});
  else
    for (PageNumber page = begin; page < end; ++page)
      maintenance_.broadcast(core, {.kind = Kind::page, .page = page, .global = true});
  maintenance_.broadcast_barrier(core);
}

void BroadcastInstructions::flush_page_nosync(Core& core, MmStruct& mm, PageNumber page) {
  core.counters().add(Counter::tlb_flush_page);
  maintenance_.broadcast(core, {Maintenance::Scope::Kind::page, ids_.id_of(mm), page, true});
}

void BroadcastInstructions::barrier(Core& core) { maintenance_.broadcast_barrier(core); }

} // namespace mmsim
