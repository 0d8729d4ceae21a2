// Ids with generations: arch/arm64/mm/context.c of 5.10 (Arm's own since 3.8 is the same).
//
// Models check_and_switch_context(), new_context(), check_update_reserved_asid() and flush_context(). An mm
// keeps its id as long as the generation lasts. The fast path takes no lock: generation, then a cmpxchg of
// this CPU's active_asids, which a roll-over sets to 0 by xchg. When the map is full a new generation begins
// under cpu_asid_lock: what is active on a CPU (or was at the last roll-over, if it has not switched since)
// stays reserved for its mm, and every CPU flushes its whole TLB before it next loads an id. The search for a
// free id begins where the last one ended (cur_idx), after a roll-over at 1.
//
// Lines: active_asids, one a CPU; asid_generation; tlb_flush_pending. Clearing the map and reading
// reserved_asids is machine.entry.rollover.

#include "models/address_space/asid.hpp"

#include <utility>

namespace mmsim {

namespace {

class Arm64 final : public AsidImplementation {
 public:
  explicit Arm64(const AsidMeans& means)
      : means_(means), mask_((std::uint64_t{1} << means.bits) - 1), lock_(means.locks.make("cpu_asid_lock")),
        map_(std::size_t{1} << means.bits), cpus_(means.machine.cpus()) {}

  // check_and_switch_context()
  void check_context(Core& core, MmStruct& mm) override {
    PerCpu& cpu = cpus_[core.id().value()];
    const std::uint64_t asid = mm.context;
    core.read(cpu.line);
    const std::uint64_t old_active = cpu.active;
    if (old_active != 0) {
      core.read(generation_line_);
      if (matches(asid) && cmpxchg_active(core, cpu, old_active, asid) != 0) return;
    }
    lock_->lock_irqsave(core);
    core.read(generation_line_);
    if (!matches(mm.context)) mm.context = new_context(core, mm);
    core.read(flush_pending_line_);
    if (flush_pending_.contains(core.id())) {
      core.rmw(flush_pending_line_);
      flush_pending_.erase(core.id());
      means_.ids.flush_all(core, false);
      if (means_.ids.after_rollover_flush) means_.ids.after_rollover_flush(core, mm);
    }
    core.write(cpu.line);
    cpu.active = mm.context;
    lock_->unlock_irqrestore(core);
  }
  bool is_current(const MmStruct& mm) const override { return matches(mm.context); }
  bool flush_pending(CoreId core) const override { return flush_pending_.contains(core); }
  CoreSet cores_running(Core& core, const MmStruct& mm) override {
    CoreSet cores;
    lock_->lock_irqsave(core);
    for (std::uint32_t i = 0; i < cpus_.size(); ++i) {
      core.read(cpus_[i].line);
      if ((cpus_[i].active != 0 ? cpus_[i].active : cpus_[i].reserved) == mm.context) cores.insert(CoreId(i));
    }
    lock_->unlock_irqrestore(core);
    return cores;
  }

 private:
  struct PerCpu {
    CacheLine line{"active_asids"};
    std::uint64_t active = 0, reserved = 0;
  };

  bool matches(std::uint64_t asid) const { return asid != 0 && asid >> means_.bits == generation_; }

  static std::uint64_t cmpxchg_active(Core& core, PerCpu& cpu, std::uint64_t old, std::uint64_t asid) {
    core.rmw(cpu.line);
    return cpu.active == old ? std::exchange(cpu.active, asid) : cpu.active;
  }

  // All copies, or the id would be lost at the next roll-over.
  bool check_update_reserved_asid(std::uint64_t asid, std::uint64_t renewed) {
    bool hit = false;
    for (PerCpu& cpu : cpus_)
      if (cpu.reserved == asid) {
        cpu.reserved = renewed;
        hit = true;
      }
    return hit;
  }

  std::uint64_t find_next_zero_bit(std::uint64_t from) const {
    while (from <= mask_ && map_[from])
      ++from;
    return from;
  }

  std::uint64_t new_context(Core& core, const MmStruct& mm) {
    if (mm.context != 0) {
      const std::uint64_t renewed = generation_ << means_.bits | (mm.context & mask_);
      if (check_update_reserved_asid(mm.context, renewed)) return renewed;
      if (!map_[mm.context & mask_]) {
        map_[mm.context & mask_] = true;
        return renewed;
      }
    }
    std::uint64_t index = find_next_zero_bit(cur_idx_);
    if (index > mask_) {
      core.rmw(generation_line_);
      ++generation_;
      flush_context(core);
      index = find_next_zero_bit(1);
    }
    map_[index] = true;
    cur_idx_ = index;
    return generation_ << means_.bits | index;
  }

  void flush_context(Core& core) {
    core.charge(core.costs().entry.rollover, Account::schedule, scheduler_work);
    map_.assign(map_.size(), false);
    for (PerCpu& cpu : cpus_) {
      core.rmw(cpu.line);
      if (const std::uint64_t active = std::exchange(cpu.active, 0); active != 0) cpu.reserved = active;
      map_[cpu.reserved & mask_] = true;
    }
    core.write(flush_pending_line_);
    flush_pending_ = means_.machine.online();
  }

  const AsidMeans means_;
  const std::uint64_t mask_;
  std::unique_ptr<SpinLock> lock_;
  CacheLine generation_line_{"asid_generation"}, flush_pending_line_{"tlb_flush_pending"};
  std::uint64_t generation_ = 1;
  std::uint64_t cur_idx_ = 1;
  std::vector<bool> map_;
  std::vector<PerCpu> cpus_;
  CoreSet flush_pending_;
};

const Registered<AsidImplementation> arm64{
    "arm64", "generations; ids in use at a roll-over stay reserved (arm64; Arm since 3.8)",
    [](const AsidMeans& means) { return std::make_unique<Arm64>(means); }};

} // namespace
} // namespace mmsim
