#include "cli/host/translation_values.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "cli/host/told_values.hpp"
#include "cli/host/trial_groups.hpp"

namespace mmsim::host {
namespace {

/// What misses of TLBs add to a load, for so many pages; NaN if it was not measured.
double miss_cost(const Measurements& measured, int pages) {
  const Measurement& small = measured["tlb.small." + std::to_string(pages)];
  const Measurement& huge = measured["tlb.huge." + std::to_string(pages)];
  return small.measured() && huge.measured() ? small.median - huge.median : no_sample;
}

/// The width of its 95 % interval.
double unsure_by(const Measurements& measured, int pages) {
  const Measurement& small = measured["tlb.small." + std::to_string(pages)];
  const Measurement& huge = measured["tlb.huge." + std::to_string(pages)];
  return small.high - small.low + huge.high - huge.low;
}

/// Pages between the levels: more than any first level holds, less than any second.
constexpr int second_level_pages = 256;

int pages_that_walk(int l2_entries) {
  const int wanted = std::max(2 * l2_entries, 4096);
  for (const int pages : chase_pages())
    if (pages >= wanted) return pages;
  return chase_pages().back();
}

void add_entries(const char* level, int told_entries, int told_ways, double edge, int step,
                 std::vector<MachineValue>& values) {
  const std::string path = std::string("tlb.") + level;
  const std::string seen =
      edge > 0 ? "; loads get dearer beyond " + std::to_string(int(edge + 0.5)) + " pages" : "";
  if (told_entries > 0) {
    values.push_back(told_value(path + "_entries", std::to_string(told_entries), "CPUID" + seen));
    values.push_back(told_value(path + "_ways", std::to_string(told_ways), "CPUID"));
  } else if (edge > 0) {
    const int entries = std::max(int(std::lround(edge / step)), 1) * step;
    values.push_back(told_value(path + "_entries", std::to_string(entries),
                                "to the nearest " + std::to_string(step) + seen));
    // More ways than entries would not hold, and the default may be fewer than these.
    if (std::string(level) == "l1")
      values.push_back(told_value(path + "_ways", std::to_string(entries),
                                  "the CPU does not tell: taken as fully "
                                  "associative"));
    else
      values.push_back(not_measured(path + "_ways", "the CPU does not tell"));
  } else {
    values.push_back(not_measured(path + "_entries", "the CPU does not tell, and loads show no clear edge"));
    values.push_back(not_measured(path + "_ways", "the CPU does not tell"));
  }
}

void add_flushes(const HostMachine& machine, const Measurements& measured,
                 std::vector<MachineValue>& values) {
  const Measurement& pages = measured["flush.pages"];
  const Measurement spread = scaled(measured["flush.spread"], 1.0 / 30);
  const double each = pages.measured() ? spread.median - pages.median / 30 : 0;
  const double low = spread.low - pages.high / 30, high = spread.high - pages.low / 30;
  const std::string how = "madvise(MADV_DONTNEED) of two pages, 31 apart less next to each other, by 30";
  if (machine.arm()) {
    const auto part = [&](const char* path, double share, const char* other) {
      values.push_back(difference_value(path, each * share, low * share, high * share, scaled(spread, share),
                                        how + "; split with " + other + " as the defaults are"));
    };
    part("tlbi.broadcast_channel", 25.0 / 35, "broadcast_issue");
    part("tlbi.broadcast_issue", 10.0 / 35, "broadcast_channel");
    return;
  }
  values.push_back(difference_value("tlbi.page", each, low, high, spread, how));
  // Two pages flushed one by one, against everything at once: all else is the same.
  const Measurement& far = measured["flush.far"];
  const double all = far.median - pages.median + 2 * each;
  if (far.measured() && all < 10)
    values.push_back(
        not_measured("tlbi.all", "a flush of everything takes no longer than can be told beside the rest"));
  else
    values.push_back(difference_value(
        "tlbi.all", far.measured() ? all : 0, far.low - pages.high + 2 * low, far.high - pages.low + 2 * high,
        far, "the same, 63 apart (all is flushed) less next to each other (two are)"));
}

} // namespace

double clear_edge(const std::vector<std::pair<int, double>>& cost_of_pages, double below, double above) {
  const auto crossing = [&](double share) {
    const double wanted = below + share * (above - below);
    for (std::size_t i = 1; i < cost_of_pages.size(); ++i) {
      const auto& [pages, cost] = cost_of_pages[i];
      const auto& [fewer, lower] = cost_of_pages[i - 1];
      if (lower < wanted && cost >= wanted)
        return double(fewer) + double(pages - fewer) * (wanted - lower) / (cost - lower);
    }
    return 0.0;
  };
  const double quarter = crossing(0.25), most = crossing(0.75);
  if (!(above > below) || quarter == 0 || most < quarter || most > 1.35 * quarter) return 0;
  return quarter - (most - quarter) / 2;
}

void add_translation_values(const HostMachine& machine, const Measurements& measured,
                            std::vector<MachineValue>& values) {
  const TlbGeometry told = told_tlb().value_or(TlbGeometry{});
  const int walking = pages_that_walk(told.l2_entries);
  const double second = miss_cost(measured, second_level_pages), walk = miss_cost(measured, walking);
  std::vector<std::pair<int, double>> cost_of_pages;
  for (const int pages : chase_pages())
    if (const double cost = miss_cost(measured, pages); std::isfinite(cost))
      cost_of_pages.emplace_back(pages, cost);
  // Where the heights themselves are unsure, so is what lies half-way between them.
  const auto edge = [&](double below, double above, double unsure) {
    return unsure < (above - below) / 2 ? clear_edge(cost_of_pages, below, above) : 0;
  };
  const double unsure_second = unsure_by(measured, second_level_pages),
               unsure_walk = unsure_by(measured, walking);
  add_entries("l1", told.l1_entries, told.l1_ways, edge(0, second, unsure_second), 8, values);
  add_entries("l2", told.l2_entries, told.l2_ways, edge(second, walk, unsure_second + unsure_walk), 128,
              values);

  const auto value = [&](const char* path, int pages, double ns, const char* what) {
    const Measurement& small = measured["tlb.small." + std::to_string(pages)];
    const Measurement& huge = measured["tlb.huge." + std::to_string(pages)];
    values.push_back(difference_value(path, ns, small.low - huge.high, small.high - huge.low, small,
                                      "a load of a line of each of " + std::to_string(pages) +
                                          " pages, less one of as many lines in a row: " + what));
  };
  value("tlb.l2_hit", second_level_pages, second, "a hit in the second level");
  value("tlb.walk_level", walking, walk,
        machine.hypervisor.empty() ? "a walk, its upper levels cached"
                                   : "a walk, its upper levels cached, with the hypervisor's tables in it");
  add_flushes(machine, measured, values);
}

} // namespace mmsim::host
