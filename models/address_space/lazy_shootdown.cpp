#include "models/address_space/lazy_shootdown.hpp"

#include <spdlog/fmt/fmt.h>

namespace mmsim {

class LazyShootdown::Call final : public RemoteCall {
 public:
  Call(LazyShootdown& shootdown, MmStruct& mm) : shootdown_(shootdown), mm_(mm) {}
  void run(Core& core) override { shootdown_.shoot(core, mm_); }

 private:
  LazyShootdown& shootdown_;
  MmStruct& mm_;
};

void LazyShootdown::clean_up(Core& core, MmStruct& mm) {
  ++cleaned_;
  const bool of_policy = policy_.keeps_mask();
  core.read(of_policy ? mm.cpumask_line : mm.lazy_mask_line, Account::tlb_remote);
  CoreSet targets = of_policy ? mm.cpumask : mm.lazy_mask;
  const bool here = targets.contains(core.id());
  targets.erase(core.id());
  Call call(*this, mm);
  calls_.call(core, targets, call);
  if (here) {
    core.irq_disable();
    shoot(core, mm);
    core.irq_enable();
  }
  core.settle();
  for (const CoreId id : mm_switch_.cores_on(mm))
    throw Violation(fmt::format("mm {} is freed while cpu {} uses its tables", mm.id, id.value()));
}

// do_shoot_lazy_tlb()
void LazyShootdown::shoot(Core& core, MmStruct& mm) {
  core.settle();
  if (&mm_switch_.loaded(core.id()) != &mm) return;
  Task& current = scheduler_.running_on(core);
  if (current.mm == &mm)
    throw Violation(
        fmt::format("mm {} is freed while {} runs in it on cpu {}", mm.id, current.name, core.id().value()));
  ++shot_;
  current.active_mm = &mm_switch_.leave_for_init_mm(core);
}

} // namespace mmsim
