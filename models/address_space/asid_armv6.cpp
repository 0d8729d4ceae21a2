// Ids counted up: arch/arm/mm/context.c and switch_mm() of include/asm-arm/mmu_context.h, 2.6.24.
//
// Models check_context() and __new_context(): cpu_last_asid is a version and 8 bits of id. An mm of another
// version gets the next number under cpu_asid_lock; where the 8 bits wrap, a new version begins and all TLBs
// are flushed. The mm's cpu_vm_mask then holds this CPU alone, so that others that have it loaded look again
// at their next switch to it (MmSwitch does so when it sees another id).
//
// Known bad on several CPUs: nobody tells the others. They go on with ids of the old version, fill their TLBs
// under them, and meanwhile the number is another mm's; threads of one process use different ids, and their
// cores are missing from its mask. 2.6.24 has it so; 2.6.34 broadcasts the roll-over ("ARM: Global ASID
// allocation on SMP", 11805bcfa411), 3.8 has asid_arm64.cpp. A run that meets it ends with a violation. With
// one CPU it is right.
//
// Left out: waiting for the others in flush_tlb_all(). 2.6.24 switches with irqs on and the run queue
// unlocked on Arm (__ARCH_WANT_INTERRUPTS_ON_CTXSW); here irqs are off, so the interrupts are sent, and a CPU
// that switches before its own has come flushes by itself. Wrapping of the version at 24 bits.

#include "models/address_space/asid.hpp"

namespace mmsim {

namespace {

class Armv6 final : public AsidImplementation, private InterruptHandler {
 public:
  explicit Armv6(const AsidMeans& means) : means_(means), lock_(means.locks.make("cpu_asid_lock")) {
    means.machine.set_handler(Irq::flush_tlb_all, *this);
  }

  void check_context(Core& core, MmStruct& mm) override {
    if (flush_pending_.contains(core.id())) {
      flush_pending_.erase(core.id());
      means_.ids.flush_all(core, false);
    }
    core.read(last_line_);
    if (!is_current(mm)) new_context(core, mm);
  }
  bool is_current(const MmStruct& mm) const override { return (mm.context ^ last_) >> means_.bits == 0; }
  bool flush_pending(CoreId core) const override { return flush_pending_.contains(core); }
  CoreSet cores_running(Core&, const MmStruct&) override { return means_.machine.online(); } // it cannot tell

 private:
  void new_context(Core& core, MmStruct& mm) {
    lock_->lock(core);
    core.write(last_line_);
    std::uint64_t asid = ++last_;
    if (asid >> means_.bits << means_.bits == asid) { // 0 is reserved
      asid = ++last_;
      core.tlb().use(Asid(0));
      flush_tlb_all(core);
    }
    lock_->unlock(core);
    core.write(mm.cpumask_line);
    mm.cpumask.clear();
    mm.cpumask.insert(core.id());
    mm.context = asid;
  }

  void flush_tlb_all(Core& core) {
    means_.ids.flush_all(core, false);
    CoreSet others = means_.machine.online();
    others.erase(core.id());
    if (others.empty()) return;
    flush_pending_ |= others;
    core.counters().add(Counter::ipi_requested, others.size());
    means_.machine.send_ipi(core, others, Irq::flush_tlb_all, Account::tlb_remote);
  }

  // ipi_flush_tlb_all()
  void handle(Core& core) override {
    if (!flush_pending_.contains(core.id())) return;
    flush_pending_.erase(core.id());
    core.settle();
    core.catch_up(); // what the interrupted user code did until now
    means_.ids.flush_all(core, true);
  }

  const AsidMeans means_;
  std::unique_ptr<SpinLock> lock_;
  CacheLine last_line_{"cpu_last_asid"};
  std::uint64_t last_ = std::uint64_t{1} << means_.bits; // ASID_FIRST_VERSION
  CoreSet flush_pending_;
};

const Registered<AsidImplementation> armv6{
    "armv6", "8 bits counted up, all TLBs flushed when they wrap (Arm, 2.6.24)",
    [](const AsidMeans& means) { return std::make_unique<Armv6>(means); },
    "unsafe with several CPUs: a bug of its time, fixed in 2.6.34"};

} // namespace
} // namespace mmsim
