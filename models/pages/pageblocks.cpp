#include "models/pages/pageblocks.hpp"

#include "sim/engine/engine.hpp"

#include <spdlog/fmt/fmt.h>

namespace mmsim {

Pageblocks::Pageblocks(FrameNumber first, std::uint32_t spanned, unsigned order, const Groups& groups)
    : first_(first.value()), end_(first.value() + spanned), order_(order), groups_(groups),
      types_((std::uint64_t{spanned} + size() - 1) >> order, MigrateType::movable) {
  if (first_of(first) != first)
    throw std::logic_error(
        fmt::format("pageblocks of {} frames from {}: they must begin at a multiple", size(), first_));
  count_[index(MigrateType::movable)] = static_cast<std::uint32_t>(types_.size());
}

void Pageblocks::set_range(FrameNumber block, unsigned order, MigrateType type) {
  for (std::uint32_t offset = 0; offset < std::uint32_t{1} << order; offset += size())
    set_type(block + offset, type);
}

void Pageblocks::check() const {
  std::array<std::uint32_t, migrate_type_count> found{};
  for (const MigrateType type : types_)
    ++found.at(index(type));
  for (std::size_t type = 0; type < migrate_type_count; ++type)
    if (found[type] != count_[type])
      throw Violation(fmt::format("frames from {}: {} pageblocks of migrate type {}, counted as {}", first_,
                                  found[type], type, count_[type]));
}

} // namespace mmsim
