// Who uses an address space, that nobody is at its entries, and which cores may hold its translations: System::check_address_spaces().
#include "models/system.hpp"

#include <spdlog/fmt/fmt.h>
#include <unordered_map>

namespace mmsim {

namespace {
struct Uses {
  std::int64_t tasks = 0, lazy = 0;
};

// A core's bit must be set while it has the tables loaded, and, where the policy relies on the mask alone, as
// long as its TLB has entries of the mm's present id.
void check_cpumask(System& system, const MmStruct& mm) {
  if (!system.policy->keeps_mask()) return;
  for (std::uint32_t i = 0; i < system.machine.cpus(); ++i) {
    Core& core = system.machine.core(CoreId(i));
    if (mm.cpumask.contains(core.id())) continue;
    if (&system.mm_switch.loaded(core.id()) == &mm)
      throw Violation(fmt::format("mm {}: cpu {} has its tables loaded, but is not in mm_cpumask", mm.id, i));
    if (system.policy->mask_covers_entries() && system.ids.holds_entries_of(core, mm))
      throw Violation(fmt::format(
          "mm {}: the TLB of cpu {} holds entries of it, but the cpu is not in mm_cpumask", mm.id, i));
  }
}
} // namespace

void System::check_address_spaces() {
  std::unordered_map<const MmStruct*, Uses> uses;
  scheduler.for_each_task([&](const Task& task) {
    if (task.mm != nullptr)
      ++uses[task.mm].tasks;
    else if (task.active_mm != nullptr && mm_switch.counted())
      ++uses[task.active_mm].lazy;
  });
  for (auto& [id, mm] : mms_) {
    if (mm.get() == init_mm_) continue;
    const Uses& found = uses[mm.get()];
    if (mm->users.value() != found.tasks)
      throw Violation(
          fmt::format("mm {}: mm_users is {}, but {} tasks have it", id, mm->users.value(), found.tasks));
    const std::int64_t references = (found.tasks > 0 ? 1 : 0) + found.lazy;
    if (mm->count.value() != references || references == 0)
      throw Violation(fmt::format("mm {}: mm_count is {}, but it has {} users and {} lazy borrowers", id,
                                  mm->count.value(), found.tasks, found.lazy));
    if (mm->tlb_flush_pending.value() != 0)
      throw Violation(fmt::format("mm {}: tlb_flush_pending is {}, but nobody is changing entries", id,
                                  mm->tlb_flush_pending.value()));
    check_cpumask(*this, *mm);
  }
}

} // namespace mmsim
