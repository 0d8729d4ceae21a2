// /proc/vmstat: vmstat_show() of 2.6.24 and 5.10: the zones' counters, the nodes' and the events, a line each.
#include "models/pages/proc_files.hpp"

#include <iterator>
#include <spdlog/fmt/fmt.h>

namespace mmsim {
namespace {

/// global_page_state(): sums over zones, or over nodes. All have the same counters.
template <class Places, class CountsOf>
std::vector<ProcCount> sums(const Places& places, CountsOf&& counts_of) {
  std::vector<ProcCount> sum;
  for (const auto& place : places) {
    const std::vector<ProcCount>& counts = counts_of(place);
    if (sum.empty()) {
      sum = counts;
      continue;
    }
    for (std::size_t i = 0; i < sum.size(); ++i)
      sum[i].value += counts[i].value;
  }
  return sum;
}

} // namespace

std::string proc_vmstat(const ProcSnapshot& snapshot) {
  std::string text;
  const auto show = [&](const std::vector<ProcCount>& counts) {
    for (const ProcCount& count : counts)
      fmt::format_to(std::back_inserter(text), "{} {}\n", count.name, count.value);
  };
  show(sums(
      snapshot.zones, [](const ProcZone& zone) -> const auto& { return zone.counts; }));
  show(sums(
      snapshot.node_counts, [](const std::vector<ProcCount>& node) -> const auto& { return node; }));
  show(snapshot.events);
  return text;
}

} // namespace mmsim
