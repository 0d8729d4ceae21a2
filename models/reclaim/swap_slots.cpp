#include "models/reclaim/swap_slots.hpp"

#include "sim/machine/machine.hpp"

#include <spdlog/fmt/fmt.h>

namespace mmsim {

void SwapSlots::add_area(std::uint32_t slots) {
  area_added(areas_.emplace_back(static_cast<std::uint32_t>(areas_.size()), slots));
  total_ += slots;
  free_ += slots;
}

SwapSlots::Run SwapSlots::used_around(Core& core, SwapEntry entry, Run within) {
  const SwapArea& area = area_of(entry);
  core.settle();
  Run run{entry.offset(), entry.offset() + 1};
  while (run.end < within.end && area[run.end] != 0)
    ++run.end;
  while (run.begin > within.begin && area[run.begin - 1] != 0)
    --run.begin;
  core.charge((run.end - run.begin) * core.costs().work.swap_scan, Account::work);
  return run;
}

void SwapSlots::check(SwapEntry entry, std::uint32_t entries, bool cached) const {
  const std::uint16_t usage = (*area(entry))[entry.offset()];
  if (usage != usage_of(entries, cached))
    throw Violation(
        fmt::format("slot {} of swap area {} has the word {:#x}, but {} entries name it and it is {} the "
                    "swap cache",
                    entry.offset(), entry.type(), usage, entries, cached ? "in" : "not in"));
}

std::uint64_t SwapSlots::named() const {
  std::uint64_t used = 0;
  for (const SwapArea& area : areas_)
    used += area.inuse_pages;
  return used - kept();
}

void SwapSlots::check_sums() const {
  std::uint64_t used = 0;
  for (const SwapArea& area : areas_) {
    std::uint32_t found = 0;
    for (std::uint32_t slot = 1; slot < area.max; ++slot) {
      found += area[slot] != 0;
      if (area[slot] == 0 && (slot < area.lowest_bit || slot > area.highest_bit))
        throw Violation(fmt::format("slot {} of swap area {} is free, but outside of its bounds {} and {}",
                                    slot, area.type, area.lowest_bit, area.highest_bit));
    }
    if (found != area.inuse_pages)
      throw Violation(
          fmt::format("swap area {} counts {} used slots, but has {}", area.type, area.inuse_pages, found));
    used += found;
  }
  if (free_ + used != total_)
    throw Violation(fmt::format("{} slots of swap are free and {} used, of {}", free_, used, total_));
}

} // namespace mmsim
