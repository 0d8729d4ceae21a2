// /proc/zoneinfo: zoneinfo_show_print() of 2.6.24 and 5.10. Every line but the last ends where the next
// begins, as there.
#include "models/pages/proc_files.hpp"

#include <iterator>
#include <spdlog/fmt/fmt.h>

namespace mmsim {
namespace {

void show_counts(std::string& text, const std::vector<ProcCount>& counts, std::string_view indent) {
  for (const ProcCount& count : counts)
    fmt::format_to(std::back_inserter(text), "\n{}{:<12} {}", indent, count.name, count.value);
}

void show_protection(std::string& text, const ProcZone& zone) {
  text += "\n        protection: (";
  for (std::size_t i = 0; i < zone.protection.size(); ++i)
    fmt::format_to(std::back_inserter(text), "{}{}", i == 0 ? "" : ", ", zone.protection[i]);
  text += ')';
}

void show_pagesets(std::string& text, const ProcZone& zone, bool numbered) {
  text += "\n  pagesets";
  for (std::size_t cpu = 0; cpu < zone.pagesets.size(); ++cpu) {
    const ProcPageset& pageset = zone.pagesets[cpu];
    for (std::size_t i = 0; i < pageset.lists.size(); ++i) {
      fmt::format_to(std::back_inserter(text), "\n    cpu: {}", cpu);
      if (numbered) fmt::format_to(std::back_inserter(text), " pcp: {}", i);
      fmt::format_to(std::back_inserter(text),
                     "\n              count: {}\n              high:  {}\n              batch: {}",
                     pageset.lists[i].count, pageset.lists[i].high, pageset.lists[i].batch);
    }
    fmt::format_to(std::back_inserter(text), "\n  vm stats threshold: {}", pageset.stat_threshold);
  }
}

void show_2_6_24(std::string& text, const ProcZone& zone, std::uint64_t free) {
  fmt::format_to(std::back_inserter(text),
                 "\n  pages free     {}\n        min      {}\n        low      {}\n        high     {}"
                 "\n        spanned  {}\n        present  {}",
                 free, zone.min, zone.low, zone.high, zone.spanned, zone.present);
  show_counts(text, zone.counts, "    ");
  show_protection(text, zone);
  show_pagesets(text, zone, true);
  fmt::format_to(std::back_inserter(text), "\n  start_pfn:         {}\n", zone.start_pfn);
}

void show_5_10(std::string& text, const ProcZone& zone, std::uint64_t free) {
  fmt::format_to(std::back_inserter(text),
                 "\n  pages free     {}\n        min      {}\n        low      {}\n        high     {}"
                 "\n        spanned  {}\n        present  {}\n        managed  {}",
                 free, zone.min, zone.low, zone.high, zone.spanned, zone.present, zone.managed);
  show_protection(text, zone);
  show_counts(text, zone.counts, "      ");
  show_pagesets(text, zone, false);
  fmt::format_to(std::back_inserter(text), "\n  start_pfn:           {}\n", zone.start_pfn);
}

/// zone_page_state(zone, NR_FREE_PAGES): the first of the zone's counters in both versions.
std::uint64_t free_pages(const ProcZone& zone) {
  return zone.counts.empty() ? 0 : static_cast<std::uint64_t>(zone.counts.front().value);
}

} // namespace

std::string proc_zoneinfo(const ProcSnapshot& snapshot) {
  std::string text;
  const ProcZone* previous = nullptr;
  for (const ProcZone& zone : snapshot.zones) {
    fmt::format_to(std::back_inserter(text), "Node {}, zone {:>8}", zone.node, zone.name);
    if (snapshot.format == ProcFormat::linux_2_6_24) {
      show_2_6_24(text, zone, free_pages(zone));
    } else {
      // is_zone_first_populated()
      if ((previous == nullptr || previous->node != zone.node) && zone.node < snapshot.node_counts.size()) {
        text += "\n  per-node stats";
        show_counts(text, snapshot.node_counts[zone.node], "      ");
      }
      show_5_10(text, zone, free_pages(zone));
    }
    previous = &zone;
  }
  return text;
}

} // namespace mmsim
