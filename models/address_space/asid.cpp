#include "models/address_space/asid.hpp"

#include <utility>

namespace mmsim {

AsidAllocator::AsidAllocator(Machine& machine, SpinLocks& locks, std::int64_t bits)
    : machine_(machine), bits_(bits), mask_((std::uint64_t{1} << bits) - 1),
      lock_(locks.make("cpu_asid_lock")), used_(std::size_t{1} << bits), cpus_(machine.cpus()) {}

void AsidAllocator::check_and_switch(Core& core, MmStruct& mm) {
  if (!has_ids()) {
    machine_.maintenance().local(core, {Maintenance::Scope::Kind::all});
    core.counters().add(Counter::tlb_flush_all);
    machine_.maintenance().local_barrier(core);
    core.charge(core.costs().entry.switch_mm, Account::schedule);
    core.tlb().use(Asid(0));
    core.settle();
    return;
  }
  PerCpu& cpu = cpus_[core.id().value()];
  core.settle();
  // The fast path needs no lock unless a roll-over has taken the core's active id away.
  if (is_current(mm.context) && cpu.active != 0) {
    cpu.active = mm.context;
  } else {
    lock_->lock_irqsave(core);
    if (!is_current(mm.context)) mm.context = new_context(core, mm);
    if (std::exchange(cpu.flush_pending, false)) {
      machine_.maintenance().local(core, {Maintenance::Scope::Kind::all});
      core.counters().add(Counter::tlb_flush_all);
      machine_.maintenance().local_barrier(core);
      if (after_rollover_flush) after_rollover_flush(core, mm);
    }
    cpu.active = mm.context;
    lock_->unlock_irqrestore(core);
  }
  core.charge(core.costs().entry.switch_mm, Account::schedule);
  core.tlb().use(id_of(mm));
}

CoreSet AsidAllocator::cores_running(Core& core, const MmStruct& mm) {
  CoreSet cores;
  lock_->lock_irqsave(core);
  core.settle();
  for (std::uint32_t i = 0; i < cpus_.size(); ++i) {
    const PerCpu& cpu = cpus_[i];
    if ((cpu.active != 0 ? cpu.active : cpu.reserved) == mm.context) cores.insert(CoreId(i));
  }
  lock_->unlock_irqrestore(core);
  return cores;
}

std::uint64_t AsidAllocator::new_context(Core& core, const MmStruct& mm) {
  if (mm.context != 0) {
    const std::uint64_t renewed = generation() | (mm.context & mask_);
    bool was_reserved = false;
    for (PerCpu& cpu : cpus_)
      if (cpu.reserved == mm.context) {
        cpu.reserved = renewed;
        was_reserved = true;
      }
    if (was_reserved) return renewed;
    if (!used_[mm.context & mask_]) {
      used_[mm.context & mask_] = true;
      return renewed;
    }
  }
  const auto next_free = [this](std::uint64_t from) {
    while (from <= mask_ && used_[from])
      ++from;
    return from;
  };
  std::uint64_t id = next_free(next_);
  if (id > mask_) {
    roll_over(core);
    id = next_free(1);
  }
  used_[id] = true;
  next_ = id;
  return generation() | id;
}

void AsidAllocator::roll_over(Core& core) {
  core.charge(core.costs().entry.rollover, Account::schedule);
  ++generation_;
  used_.assign(used_.size(), false);
  for (PerCpu& cpu : cpus_) {
    // A core that has not switched since the last roll-over keeps what was reserved for it then.
    const std::uint64_t active = std::exchange(cpu.active, 0);
    if (active != 0) cpu.reserved = active;
    if (cpu.reserved != 0) used_[cpu.reserved & mask_] = true;
    cpu.flush_pending = true;
  }
}

} // namespace mmsim
