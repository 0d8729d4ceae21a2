#include "models/tlb_flush/shootdown.hpp"

namespace mmsim {

class ShootdownPolicy::Call final : public RemoteCall {
 public:
  Call(ShootdownPolicy& policy, MmStruct& mm, const FlushRange& range, std::uint64_t generation)
      : policy_(policy), mm_(mm), range_(range), generation_(generation) {}
  void run(Core& core) override {
    core.counters().add(Counter::nr_tlb_remote_flush_received);
    core.settle();
    core.catch_up(); // what the interrupted user code did until now, it did with the old entries
    policy_.interrupted(core, mm_, range_);
    policy_.flushed(core, mm_, range_, generation_);
  }

 private:
  ShootdownPolicy& policy_;
  MmStruct& mm_;
  FlushRange range_;
  std::uint64_t generation_;
};

class ShootdownPolicy::KernelCall final : public RemoteCall {
 public:
  KernelCall(ShootdownPolicy& policy, PageNumber begin, PageNumber end, bool all)
      : policy_(policy), begin_(begin), end_(end), all_(all) {}
  void run(Core& core) override {
    core.counters().add(Counter::nr_tlb_remote_flush_received);
    core.settle();
    core.catch_up(); // all: the user's entries go too
    policy_.invalidate_kernel_here(core, begin_, end_, all_);
  }

 private:
  ShootdownPolicy& policy_;
  PageNumber begin_, end_;
  bool all_;
};

class ShootdownPolicy::BatchCall final : public RemoteCall {
 public:
  explicit BatchCall(ShootdownPolicy& policy) : policy_(policy) {}
  void run(Core& core) override {
    core.counters().add(Counter::nr_tlb_remote_flush_received);
    core.settle();
    core.catch_up();
    policy_.flush_batch_here(core);
  }

 private:
  ShootdownPolicy& policy_;
};

void ShootdownPolicy::flush(Core& core, MmStruct& mm, const FlushRange& range) {
  announce(core, mm);
  const std::uint64_t generation = mm.generation;
  const auto flush_own = [&] {
    invalidate_here(core, mm, range);
    flushed(core, mm, range, generation);
  };
  if (!own_tlb_last()) flush_own();
  if (means_.machine.cpus() > 1) {
    const CoreSet others = targets(core, mm, range);
    Call call(*this, mm, range, generation);
    means_.calls.call(core, others, call);
  }
  if (own_tlb_last()) flush_own();
}

void ShootdownPolicy::flush_kernel_range(Core& core, PageNumber begin, PageNumber end, bool all) {
  if (means_.machine.cpus() > 1) {
    KernelCall call(*this, begin, end, all);
    means_.calls.call(core, others_online(core), call);
  }
  invalidate_kernel_here(core, begin, end, all);
}

bool ShootdownPolicy::batches(Core& core, MmStruct& mm) {
  CoreSet others = holders(core, mm);
  others.erase(core.id());
  return !others.empty();
}

// The generation goes up before the mask is read: who joins later sees it, who has joined before is in the mask.
void ShootdownPolicy::batch_add(Core& core, MmStruct& mm, PageNumber, CoreSet& cores) {
  announce(core, mm);
  cores |= holders(core, mm);
  core.charge(core.costs().work.mask_scan, Account::tlb_remote,
              mm.cpumask_line.wait_id(core.machine())); // cpumask_or()
}

void ShootdownPolicy::batch_flush(Core& core, const CoreSet& cores) {
  core.counters().add(Counter::tlb_flush_all);
  const auto flush_own = [&] {
    if (!cores.contains(core.id())) return;
    core.irq_disable();
    flush_batch_here(core);
    core.irq_enable();
  };
  if (!own_tlb_last()) flush_own();
  if (const CoreSet others = batch_targets(core, cores); !others.empty()) {
    BatchCall call(*this);
    means_.calls.call(core, others, call);
  }
  if (own_tlb_last()) flush_own();
}

void ShootdownPolicy::invalidate_here(Core& core, MmStruct& mm, const FlushRange& range) {
  using Kind = Maintenance::Scope::Kind;
  Maintenance& maintenance = means_.machine.maintenance();
  const Asid asid = means_.ids.id_of(mm);
  if (range.whole_mm) {
    maintenance.local(core, {means_.ids.has_ids() ? Kind::id : Kind::all, asid, {}});
  } else {
    for_each_tlbi(range.begin, range.end, core.costs().tlb.range, [&](PageNumber first, std::uint64_t pages) {
      maintenance.local(core,
                        {pages == 1 ? Kind::page : Kind::range, asid, first, !range.freed_tables, pages});
    });
  }
  maintenance.local_barrier(core);
}

void ShootdownPolicy::invalidate_kernel_here(Core& core, PageNumber begin, PageNumber end, bool all) {
  using Kind = Maintenance::Scope::Kind;
  Maintenance& maintenance = means_.machine.maintenance();
  if (all)
    maintenance.local(core, {Kind::all});
  else
    for (PageNumber page = begin; page < end; ++page)
      maintenance.local(core, {.kind = Kind::page, .page = page, .global = true});
  maintenance.local_barrier(core);
}

void ShootdownPolicy::invalidate_all_here(Core& core) {
  Maintenance& maintenance = means_.machine.maintenance();
  maintenance.local(core, {Maintenance::Scope::Kind::all});
  maintenance.local_barrier(core);
}

CoreSet ShootdownPolicy::others_online(Core& core) const {
  CoreSet others = means_.machine.online();
  others.erase(core.id());
  return others;
}

void ShootdownPolicy::set_bit(Core& core, MmStruct& mm) {
  core.read(mm.cpumask_line);
  if (mm.cpumask.contains(core.id())) return;
  core.rmw(mm.cpumask_line);
  mm.cpumask.insert(core.id());
}

void ShootdownPolicy::clear_bit(Core& core, MmStruct& mm) {
  core.rmw(mm.cpumask_line);
  mm.cpumask.erase(core.id());
}

CoreSet ShootdownPolicy::all_in_mask(Core& core, MmStruct& mm) {
  core.read(mm.cpumask_line, Account::tlb_remote);
  return mm.cpumask;
}

CoreSet ShootdownPolicy::others_in_mask(Core& core, MmStruct& mm) {
  CoreSet others = all_in_mask(core, mm);
  others.erase(core.id());
  return others;
}

} // namespace mmsim
