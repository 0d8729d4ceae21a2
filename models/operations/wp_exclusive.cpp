#include "models/operations/wp_exclusive.hpp"

namespace mmsim {

namespace {

// page_move_anon_rmap().
void page_move_anon_rmap(const VmFault& fault, FrameNumber number) {
  if (fault.system.parameters.wp_move_anon_rmap)
    fault.system.rmap->page_move_anon(fault.core(), number, fault.vma);
  fault.system.pages[number].flags |= PG_anon_exclusive;
}

} // namespace

bool reuse_exclusive(const VmFault& fault, FrameNumber number) {
  System& system = fault.system;
  Core& core = fault.core();
  const Frame& frame = system.pages[number];
  const auto in_swap_cache = [&] { return (frame.flags & PG_swapcache) != 0; };
  core.settle();
  if ((frame.flags & PG_anon_exclusive) != 0) return true;
  if (frame.refcount > 3) return false;
  if ((frame.flags & PG_lru) == 0) system.lru->lru_add_drain(core);
  core.settle();
  if (frame.refcount > 1 + (in_swap_cache() ? 1 : 0)) return false;
  if ((frame.flags & PG_locked) != 0) return false;
  const bool locks = in_swap_cache();
  if (locks) {
    if (!system.page_cache.waits.trylock_page(core, number)) return false;
    system.swap.try_to_free_swap(core, number);
    core.settle();
  }
  const bool alone = frame.refcount == 1;
  if (alone) page_move_anon_rmap(fault, number);
  if (locks) system.page_cache.waits.unlock_page(core, number);
  return alone;
}

} // namespace mmsim
