#include "models/operations/kernel_access.hpp"

#include <spdlog/fmt/fmt.h>

namespace mmsim {

void access_kernel_page(System& system, Core& core, PageNumber page) {
  MmStruct& init_mm = system.init_mm();
  core.settle();
  Tlb& tlb = core.tlb();
  if (const Tlb::Hit hit = tlb.look_up_global(page); hit.translation != nullptr) {
    core.counters().add(Counter::tlb_hit);
    system.oracle.check_hit(core, init_mm, page, *hit.translation);
    core.charge(hit.level == Tlb::Level::second ? core.costs().tlb.l2_hit : Duration{}, Account::work);
    return;
  }
  core.counters().add(Counter::tlb_miss);
  core.charge(init_mm.tables.shape().levels * core.costs().tlb.walk_level, Account::work);
  const Pte* entry = init_mm.tables.find(page);
  if (entry == nullptr || !entry->valid())
    throw Violation(fmt::format("cpu {}: unable to handle kernel paging request at page {:#x}",
                                core.id().value(), page.value()));
  tlb.insert_global(page, {entry->word(), reinterpret_cast<const std::uint64_t*>(entry),
                           system.pages[entry->frame()].epoch});
}

} // namespace mmsim
