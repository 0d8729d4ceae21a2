#include "models/address_space/mm_switch.hpp"

#include <utility>

namespace mmsim {

MmSwitch::MmSwitch(Machine& machine, AsidAllocator& ids, TlbFlushPolicy& policy,
                   const Configuration& configuration)
    : machine_(machine), ids_(ids), policy_(policy),
      lazy_(read_parameters<KthreadSwitchParameters>(configuration).kthread_switch == "lazy"),
      counted_(read_parameters<KthreadSwitchParameters>(configuration).lazy_ref == "counted"),
      handed_on_(read_parameters<KthreadSwitchParameters>(configuration).handed_on), cpus_(machine.cpus()) {}

void MmSwitch::connect(MmStruct& init_mm, std::function<void(Core&, MmStruct&)> free_mm) {
  init_mm_ = &init_mm;
  free_mm_ = std::move(free_mm);
  for (PerCpu& cpu : cpus_)
    cpu.loaded = init_mm_;
}

void MmSwitch::switch_mm(Core& core, MmStruct*, MmStruct* next) {
  PerCpu& cpu = cpus_[core.id().value()];
  if (cpu.loaded != next || ids_.outdated(core, *next)) {
    load(core, *next);
  } else if (std::exchange(cpu.lazy, false)) {
    policy_.leave_lazy(core, *next);
  }
}

// The next mm's bit first, then the tables, then the old mm's bit: at no instant does the core hold
// translations of an mm that does not know of it.
void MmSwitch::load(Core& core, MmStruct& next) {
  PerCpu& cpu = cpus_[core.id().value()];
  MmStruct& old = *cpu.loaded;
  if (&next != init_mm_) {
    if (!counted_ && !policy_.keeps_mask()) join_lazy_mask(core, next);
    policy_.enter(core, next);
    ids_.check_and_switch(core, next);
    policy_.loaded(core, next);
  } else if (ids_.has_ids()) {
    ids_.use_reserved(core);
  } else {
    ids_.check_and_switch(core, next);
  }
  cpu.loaded = &next;
  cpu.lazy = false;
  if (&old != init_mm_ && &old != &next) policy_.leave(core, old);
}

MmStruct* MmSwitch::enter_kernel_thread(Core& core, MmStruct* previous, bool from_user) {
  kernel_entries_ += from_user;
  if (!lazy_) {
    if (&loaded(core.id()) != init_mm_) load(core, *init_mm_);
    return init_mm_;
  }
  if (!handed_on_) { // 2.6.24: atomic_inc(), then enter_lazy_tlb()
    if (previous != init_mm_) mmgrab_lazy_tlb(core, *previous);
    if (from_user) enter_lazy_tlb(core);
  } else if (from_user) {
    enter_lazy_tlb(core);
    mmgrab_lazy_tlb(core, *previous);
  }
  return previous;
}

void MmSwitch::join_lazy_mask(Core& core, MmStruct& mm) {
  core.read(mm.lazy_mask_line);
  if (mm.lazy_mask.contains(core.id())) return;
  core.rmw(mm.lazy_mask_line);
  mm.lazy_mask.insert(core.id());
}

std::vector<CoreId> MmSwitch::cores_on(const MmStruct& mm) const {
  std::vector<CoreId> cores;
  for (std::uint32_t i = 0; i < cpus_.size(); ++i)
    if (cpus_[i].loaded == &mm) cores.push_back(CoreId(i));
  return cores;
}

void MmSwitch::enter_lazy_tlb(Core& core) {
  PerCpu& cpu = cpus_[core.id().value()];
  if (std::exchange(cpu.lazy, true)) return;
  policy_.enter_lazy(core, *cpu.loaded);
}

void MmSwitch::drop_borrowed(Core& core, MmStruct* mm) {
  if (counted_ && mm != init_mm_) mmdrop(core, *mm); // mmdrop_lazy_tlb(); uncounted, it may be gone by now
}

void MmSwitch::mmdrop(Core& core, MmStruct& mm) {
  if (mm.count.decrement_and_test(core)) free_mm_(core, mm);
}

} // namespace mmsim
