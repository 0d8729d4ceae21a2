// Skip cores in lazy-TLB mode; they look for themselves when they come back.
//
// Models arch/x86/mm/tlb.c of 5.10 (flush_tlb_mm_range, native_flush_tlb_others with tlb_is_not_lazy,
// flush_tlb_func_common, switch_mm_irqs_off), as a what-if on Arm. The flusher writes entries, bumps the mm's tlb_gen,
// and then reads each masked core's is_lazy flag; a core that leaves lazy mode clears its flag and then reads the
// generation. Whichever is second sees the other. Where page tables are freed lazy cores are interrupted too: they may
// still walk them. Such a core does not flush but goes to init_mm's tables, which is hardly dearer, and clears its bit
// in mm_cpumask: the next flush that frees tables has nobody to interrupt there. So does a core that went lazy after the
// flusher had looked at it, one that flushes a batch, and the flusher itself where it has but borrowed the mm (the last
// thread in exit_mmap(), kswapd).
//
// Who is told flushes what it has loaded and nothing else. It reads the mm's generation: if its own is that one, another
// flush has done all; if this flush is all that it has missed, the range goes, else the whole id. Entries of an mm that
// is not loaded (with ids) are left alone, and the bit of a core is cleared when it switches to another mm: it compares
// the mm's generation with the one of its entries when it comes back. A batch's generations go up page by page.
//
// Left out: flushing the range alone on coming back (the whole id goes), the six ids that x86 keeps a core, and that
// is_lazy was on the line of all of cpu_tlbstate until 5.13.

#include "models/tlb_flush/shootdown.hpp"

#include <vector>

namespace mmsim {

namespace {

class Lazy final : public MaskedShootdownPolicy {
 public:
  explicit Lazy(const FlushMeans& means) : MaskedShootdownPolicy(means), cpus_(means.machine.cpus()) {}

  bool mask_covers_entries() const override { return false; } // who comes back compares generations

  // Awake before the mask says that the core is there: a flusher of `mm` that finds it there must not find it
  // lazy, since it may look after loaded() has. Then the generation: whoever bumps it later finds the bit.
  void enter(Core& core, MmStruct& mm) override {
    if (cpu(core).is_lazy) set_lazy(core, false);
    MaskedShootdownPolicy::enter(core, mm);
    if (means_.ids.has_ids())
      catch_up(core, mm); // before the walker may follow what it remembers of freed tables
    else
      own_generation(core, mm) = latest_generation(core, mm); // the switch flushes next
  }
  void loaded(Core& core, MmStruct& mm) override { cpu(core).loaded = &mm; }
  void enter_lazy(Core& core, MmStruct&) override { set_lazy(core, true); }
  void leave_lazy(Core& core, MmStruct& mm) override {
    set_lazy(core, false);
    catch_up(core, mm);
  }
  void leave(Core& core, MmStruct& mm) override {
    if (cpu(core).loaded == &mm) cpu(core).loaded = nullptr;
    if (cpu(core).is_lazy) set_lazy(core, false);
    clear_bit(core, mm);
  }

 protected:
  std::uint64_t announce(Core& core, MmStruct& mm) override {
    core.rmw(mm.generation_line);
    return ++mm.generation;
  }
  CoreSet targets(Core& core, MmStruct& mm, const FlushRange& range) override {
    const CoreSet others = others_in_mask(core, mm);
    return range.freed_tables ? others : awake_of(core, others);
  }
  CoreSet batch_targets(Core& core, CoreSet cores) override {
    cores.erase(core.id());
    return awake_of(core, cores);
  }
  void flush_own(Core& core, const FlushTlbInfo& info) override {
    core.irq_disable();
    if (cpu(core).loaded == &info.mm) flush_loaded(core, info);
    core.irq_enable();
  }
  void interrupted(Core& core, const FlushTlbInfo& info) override {
    if (cpu(core).loaded == &info.mm) flush_loaded(core, info);
  }
  void flush_batch_here(Core& core) override { // full_flush_tlb_info
    if (MmStruct* const mm = cpu(core).loaded) flush_loaded(core, {*mm, FlushRange::all_of(*mm), 0});
  }

 private:
  struct Cpu {
    CacheLine line{"cpu_tlbstate.is_lazy"};
    bool is_lazy = false;
    MmStruct* loaded = nullptr; ///< loaded_mm; null for init_mm
  };
  Cpu& cpu(const Core& core) { return cpus_[core.id().value()]; }

  void set_lazy(Core& core, bool lazy) {
    core.write(cpu(core).line);
    cpu(core).is_lazy = lazy;
  }
  CoreSet awake_of(Core& core, const CoreSet& others) {
    CoreSet awake;
    others.for_each([&](CoreId id) {
      Cpu& other = cpus_[id.value()];
      core.read(other.line, Account::tlb_remote);
      if (other.is_lazy)
        core.counters().add(Counter::tlb_flush_skipped);
      else
        awake.insert(id);
    });
    return awake;
  }

  // flush_tlb_func_common() of who has info.mm loaded, with irqs off. Who leaves has flushed nothing: with ids its
  // entries keep the generation that they are up to.
  void flush_loaded(Core& core, const FlushTlbInfo& info) {
    if (cpu(core).is_lazy) return means_.leave_borrowed_mm(core);
    std::uint64_t& own = own_generation(core, info.mm);
    const std::uint64_t latest = latest_generation(core, info.mm);
    if (own == latest) return;
    if (own + 1 != info.new_tlb_gen || info.new_tlb_gen != latest)
      return invalidate_all_of(core, info.mm, latest);
    invalidate_here(core, info.mm, info.range);
    own = latest;
  }
  void catch_up(Core& core, MmStruct& mm) {
    const std::uint64_t latest = latest_generation(core, mm);
    if (own_generation(core, mm) != latest) invalidate_all_of(core, mm, latest);
  }
  // `latest` was read before: what comes up meanwhile interrupts this core, or meets it when it next looks.
  void invalidate_all_of(Core& core, MmStruct& mm, std::uint64_t latest) {
    invalidate_here(core, mm, FlushRange::all_of(mm));
    core.counters().add(Counter::tlb_flush_mm);
    own_generation(core, mm) = latest;
  }
  static std::uint64_t latest_generation(Core& core, MmStruct& mm) {
    core.read(mm.generation_line);
    return mm.generation;
  }
  static std::uint64_t& own_generation(const Core& core, MmStruct& mm) {
    return mm.core_generation[core.id().value()];
  }

  std::vector<Cpu> cpus_;
};

const Registered<TlbFlushPolicy> lazy{"lazy", "skips cores in lazy-TLB mode unless tables are freed",
                                      [](const FlushMeans& means) { return std::make_unique<Lazy>(means); },
                                      "x86's: what-if on Arm"};

} // namespace
} // namespace mmsim
