#include "models/pages/free_area_lines.hpp"

#include "sim/machine/core.hpp"

namespace mmsim {

bool FreeAreaLines::write(Core& core, unsigned order) {
  const std::uint32_t bit = std::uint32_t{1} << order;
  if ((written_ & bit) != 0) return false;
  written_ |= bit;
  Line &list = line_of(order, sizes_.list), &count = line_of(order, sizes_.nr_free);
  core.write(list);
  if (&count != &list) core.write(count);
  return true;
}

void FreeAreaLines::read(Core& core, unsigned order) { core.read(line_of(order, sizes_.nr_free)); }

} // namespace mmsim
