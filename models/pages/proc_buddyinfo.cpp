// /proc/buddyinfo: frag_show_print(), the same in 2.6.24 and 5.10.
#include "models/pages/proc_files.hpp"

#include <iterator>
#include <spdlog/fmt/fmt.h>

namespace mmsim {

std::string proc_buddyinfo(const ProcSnapshot& snapshot) {
  std::string text;
  for (const ProcZone& zone : snapshot.zones) {
    fmt::format_to(std::back_inserter(text), "Node {}, zone {:>8} ", zone.node, zone.name);
    for (unsigned order = 0; order <= Buddy::max_order; ++order)
      fmt::format_to(std::back_inserter(text), "{:>6} ", zone.free_blocks_of(order));
    text += '\n';
  }
  return text;
}

} // namespace mmsim
