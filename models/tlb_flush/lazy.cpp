// Skip cores in lazy-TLB mode; they look for themselves when they come back.
//
// Models arch/x86/mm/tlb.c of 5.10 (flush_tlb_mm_range, native_flush_tlb_others with tlb_is_not_lazy,
// switch_mm_irqs_off), as a what-if on Arm. The flusher writes entries, bumps the mm's tlb_gen, and then
// reads each masked core's is_lazy flag; a core that leaves lazy mode clears its flag and then reads the
// generation. Whichever is second sees the other. Where page tables are freed lazy cores are interrupted too:
// they may still walk them. The bit of a core in mm_cpumask is cleared when it switches to another mm: with
// ids it compares the mm's generation with the one of its entries when it comes back. A batch's generations go up
// page by page, lazy cores are passed over, and a core that is told drops what it has loaded if it is behind
// (flush_tlb_func_common() of full_flush_tlb_info). Left out: flushing the
// range alone on coming back (the whole id goes), the six ids that x86 keeps a core.

#include "models/tlb_flush/shootdown.hpp"

#include <algorithm>
#include <vector>

namespace mmsim {

namespace {

class Lazy final : public MaskedShootdownPolicy {
 public:
  explicit Lazy(const FlushMeans& means) : MaskedShootdownPolicy(means), cpus_(means.machine.cpus()) {}

  bool mask_covers_entries() const override { return false; } // who comes back compares generations
  void announce(Core& core, MmStruct& mm) override {
    core.rmw(mm.generation_line);
    ++mm.generation;
  }
  CoreSet targets(Core& core, MmStruct& mm, const FlushRange& range) override {
    const CoreSet others = others_in_mask(core, mm);
    return range.freed_tables ? others : awake_of(core, others);
  }
  CoreSet batch_targets(Core& core, CoreSet cores) override {
    cores.erase(core.id());
    return awake_of(core, cores);
  }
  void flush_batch_here(Core& core) override {
    if (MmStruct* const mm = cpus_[core.id().value()].loaded) catch_up_if_behind(core, *mm);
  }
  CoreSet awake_of(Core& core, const CoreSet& others) {
    CoreSet awake;
    others.for_each([&](CoreId id) {
      Cpu& cpu = cpus_[id.value()];
      core.read(cpu.line, Account::tlb_remote);
      if (cpu.is_lazy)
        core.counters().add(Counter::tlb_flush_skipped);
      else
        awake.insert(id);
    });
    return awake;
  }
  void flushed(Core& core, MmStruct& mm, const FlushRange& range, std::uint64_t generation) override {
    // A partial flush brings the core up to date only if it missed none before.
    std::uint64_t& own = mm.core_generation[core.id().value()];
    if (range.whole_mm || own + 1 >= generation)
      own = std::max(own, generation);
    else
      catch_up_with(core, mm);
  }
  // Awake before the mask says that the core is there: a flusher of `mm` that finds it there must not find it
  // lazy, since it may look after loaded() has.
  void enter(Core& core, MmStruct& mm) override {
    if (cpus_[core.id().value()].is_lazy) set_lazy(core, false);
    MaskedShootdownPolicy::enter(core, mm);
    // Before the tables are loaded: from then on the walker may follow what it remembers of freed ones.
    if (means_.ids.has_ids()) catch_up_if_behind(core, mm);
  }
  void loaded(Core& core, MmStruct& mm) override {
    cpus_[core.id().value()].loaded = &mm;
    if (means_.ids.has_ids()) return;
    core.read(mm.generation_line); // the switch has flushed: the core is up to date
    mm.core_generation[core.id().value()] = mm.generation;
  }
  void enter_lazy(Core& core, MmStruct&) override { set_lazy(core, true); }
  void leave_lazy(Core& core, MmStruct& mm) override {
    set_lazy(core, false);
    catch_up_if_behind(core, mm);
  }
  void leave(Core& core, MmStruct& mm) override {
    clear_bit(core, mm);
    if (cpus_[core.id().value()].loaded == &mm) cpus_[core.id().value()].loaded = nullptr; // init_mm's
    if (cpus_[core.id().value()].is_lazy) set_lazy(core, false);
  }

 private:
  struct Cpu {
    CacheLine line{"cpu_tlbstate.is_lazy"};
    bool is_lazy = false;
    MmStruct* loaded = nullptr; ///< loaded_mm; null for init_mm
  };

  void set_lazy(Core& core, bool lazy) {
    Cpu& cpu = cpus_[core.id().value()];
    core.write(cpu.line);
    cpu.is_lazy = lazy;
  }
  void catch_up_if_behind(Core& core, MmStruct& mm) {
    core.read(mm.generation_line);
    if (mm.core_generation[core.id().value()] < mm.generation) catch_up_with(core, mm);
  }
  void catch_up_with(Core& core, MmStruct& mm) {
    const std::uint64_t generation = mm.generation;
    invalidate_here(core, mm, FlushRange::all_of(mm));
    core.counters().add(Counter::tlb_flush_mm);
    mm.core_generation[core.id().value()] = generation;
  }

  std::vector<Cpu> cpus_;
};

const Registered<TlbFlushPolicy> lazy{"lazy", "skips cores in lazy-TLB mode unless tables are freed",
                                      [](const FlushMeans& means) { return std::make_unique<Lazy>(means); },
                                      "x86's: what-if on Arm"};

} // namespace
} // namespace mmsim
