#include "models/tlb_flush/shootdown.hpp"

namespace mmsim {

class ShootdownPolicy::Call final : public RemoteCall {
 public:
  Call(ShootdownPolicy& policy, MmStruct& mm, const FlushRange& range, std::uint64_t generation)
      : policy_(policy), mm_(mm), range_(range), generation_(generation) {}
  void run(Core& core) override {
    core.settle();
    core.catch_up(); // what the interrupted user code did until now, it did with the old entries
    policy_.invalidate_here(core, mm_, range_);
    policy_.flushed(core, mm_, range_, generation_);
  }

 private:
  ShootdownPolicy& policy_;
  MmStruct& mm_;
  FlushRange range_;
  std::uint64_t generation_;
};

void ShootdownPolicy::flush(Core& core, MmStruct& mm, const FlushRange& range) {
  announce(core, mm);
  const std::uint64_t generation = mm.generation;
  invalidate_here(core, mm, range);
  flushed(core, mm, range, generation);
  if (means_.machine.cpus() == 1) return;
  const CoreSet others = targets(core, mm, range);
  Call call(*this, mm, range, generation);
  means_.calls.call(core, others, call);
}

void ShootdownPolicy::invalidate_here(Core& core, MmStruct& mm, const FlushRange& range) {
  Maintenance& maintenance = means_.machine.maintenance();
  const Asid asid = means_.ids.id_of(mm);
  if (range.whole_mm) {
    using Kind = Maintenance::Scope::Kind;
    maintenance.local(core, {means_.ids.has_ids() ? Kind::id : Kind::all, asid, {}});
  } else {
    for (PageNumber page = range.begin; page < range.end; ++page)
      maintenance.local(core, {Maintenance::Scope::Kind::page, asid, page, !range.freed_tables});
  }
  maintenance.local_barrier(core);
}

void MaskedShootdownPolicy::enter(Core& core, MmStruct& mm) {
  core.read(mm.cpumask_line);
  if (mm.cpumask.contains(core.id())) return;
  core.rmw(mm.cpumask_line);
  mm.cpumask.insert(core.id());
}

void MaskedShootdownPolicy::clear_bit(Core& core, MmStruct& mm) {
  core.rmw(mm.cpumask_line);
  mm.cpumask.erase(core.id());
}

CoreSet MaskedShootdownPolicy::others_in_mask(Core& core, MmStruct& mm) {
  core.read(mm.cpumask_line, Account::tlb_remote);
  CoreSet others = mm.cpumask;
  others.erase(core.id());
  return others;
}

} // namespace mmsim
