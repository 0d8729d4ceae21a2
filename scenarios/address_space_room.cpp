#include "scenarios/address_space_room.hpp"

#include "models/operations/vma.hpp"

#include <algorithm>
#include <spdlog/fmt/fmt.h>

namespace mmsim {

AddressSpaceRoom::AddressSpaceRoom(const Configuration& configuration) : configuration_(configuration) {
  const auto kernel = read_parameters<KernelParameters>(configuration);
  const PageNumber task_size = PageTable::Shape::of_format(kernel.page_table).end();
  const bool top_down = read_parameters<MmapLayoutParameters>(configuration).layout == "top_down";
  const MmapRoom room = mmap_room(task_size, top_down);
  const std::uint64_t stack =
      room.high == task_size ? 1 + static_cast<std::uint64_t>(kernel.stack_guard_gap) : 0;
  format_ = kernel.page_table;
  pages_ = room.high - room.low - std::min(stack, room.high - room.low);
}

std::uint64_t AddressSpaceRoom::most(const Wanted& wanted) const {
  const bool apart = wanted.placement == Placement::apart;
  constexpr std::uint64_t table = TablePage::entries;
  const std::uint64_t taken = (apart ? table : 1) + wanted.beside; // the loader's first
  const std::uint64_t free = pages_ - std::min(taken, pages_);
  if (!apart) return free / wanted.areas;
  // vm_unmapped_area() wants a gap of the area and what may be lost at its alignment.
  constexpr std::uint64_t slack = table - 1;
  // With the span of so many tables for each, all but the page that keeps neighbours apart.
  const std::uint64_t tables = (free - std::min(slack - 1, free)) / table / wanted.areas;
  const std::uint64_t whole = tables * table - std::min<std::uint64_t>(tables, 1);
  // The last one may be able to use some of a span that there is not for all.
  const std::uint64_t others = (wanted.areas - 1) * (tables + 1) * table + slack;
  const std::uint64_t last = free - std::min(others, free);
  return last > tables * table ? last : whole;
}

void AddressSpaceRoom::check(std::string_view path, std::int64_t pages, const Wanted& wanted) const {
  const std::uint64_t most = this->most(wanted);
  if (pages < 0 || static_cast<std::uint64_t>(pages) <= most) return;
  throw InputError(
      fmt::format("{}: {} is too large; at most {} is possible: {} must fit in a user address space "
                  "(kernel.page_table = \"{}\")",
                  path, pages, most,
                  wanted.areas == 1 ? "an area of so many pages"
                                    : fmt::format("{} areas of so many pages", wanted.areas),
                  format_),
      configuration_.last_written({path, "kernel.page_table"}));
}

std::uint64_t AddressSpaceRoom::in_whole_tables(std::int64_t pages) {
  constexpr std::uint64_t table = TablePage::entries;
  return (static_cast<std::uint64_t>(pages) / table + 1) * table;
}

} // namespace mmsim
