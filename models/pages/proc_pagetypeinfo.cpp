// /proc/pagetypeinfo: pagetypeinfo_show() of 2.6.24 and 5.10, which prints each node with headings of its
// own.
//
// 2.6.24 has the types in the order Unmovable, Reclaimable, Movable, Reserve, Isolate; since 3.x Movable
// stands before Reclaimable, and 4.4 made HighAtomic of Reserve. Isolate is there in 2.6.24 always; no block
// of the model ever is.
#include "models/pages/proc_files.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <span>
#include <spdlog/fmt/fmt.h>

namespace mmsim {
namespace {

struct Row {
  std::string_view name;
  std::optional<MigrateType> type; ///< nothing: no block is of that type
};

constexpr std::array<Row, 5> rows_2_6_24{{{"Unmovable", MigrateType::unmovable},
                                          {"Reclaimable", MigrateType::reclaimable},
                                          {"Movable", MigrateType::movable},
                                          {"Reserve", MigrateType::reserve},
                                          {"Isolate", std::nullopt}}};
constexpr std::array<Row, 4> rows_5_10{{{"Unmovable", MigrateType::unmovable},
                                        {"Movable", MigrateType::movable},
                                        {"Reclaimable", MigrateType::reclaimable},
                                        {"HighAtomic", MigrateType::reserve}}};

/// 5.10 gives up counting a list there, and says so.
constexpr std::uint64_t most_counted = 100'000;

template <class Numbers>
std::uint64_t of(const Numbers& by_type, const Row& row) {
  return row.type ? by_type[index(*row.type)] : 0;
}

void show_free(std::string& text, const ProcZone& zone, std::span<const Row> rows, bool capped) {
  for (const Row& row : rows) {
    fmt::format_to(std::back_inserter(text), "Node {:>4}, zone {:>8}, type {:>12} ", zone.node, zone.name,
                   row.name);
    for (const auto& by_type : zone.free_blocks) {
      const std::uint64_t blocks = of(by_type, row);
      const bool over = capped && blocks >= most_counted;
      fmt::format_to(std::back_inserter(text), "{}{:>6} ", over ? ">" : "", over ? most_counted : blocks);
    }
    text += '\n';
  }
}

void show_blocks(std::string& text, const ProcZone& zone, std::span<const Row> rows) {
  fmt::format_to(std::back_inserter(text), "Node {}, zone {:>8} ", zone.node, zone.name);
  for (const Row& row : rows)
    fmt::format_to(std::back_inserter(text), "{:>12} ", of(zone.pageblocks, row));
  text += '\n';
}

} // namespace

std::string proc_pagetypeinfo(const ProcSnapshot& snapshot) {
  const bool old = snapshot.format == ProcFormat::linux_2_6_24;
  const std::span<const Row> rows = old ? std::span<const Row>(rows_2_6_24) : std::span<const Row>(rows_5_10);
  std::string text;
  for (auto zone = snapshot.zones.begin(); zone != snapshot.zones.end();) {
    const auto end = std::find_if(zone, snapshot.zones.end(),
                                  [&](const ProcZone& other) { return other.node != zone->node; });
    fmt::format_to(std::back_inserter(text), "Page block order: {}\nPages per block:  {}\n\n",
                   snapshot.pageblock_order, std::uint64_t{1} << snapshot.pageblock_order);
    fmt::format_to(std::back_inserter(text), "{:<43} ", "Free pages count per migrate type at order");
    for (unsigned order = 0; order <= Buddy::max_order; ++order)
      fmt::format_to(std::back_inserter(text), "{:>6} ", order);
    text += '\n';
    for (auto one = zone; one != end; ++one)
      show_free(text, *one, rows, !old);
    fmt::format_to(std::back_inserter(text), "\n{:<23}", "Number of blocks type ");
    for (const Row& row : rows)
      fmt::format_to(std::back_inserter(text), "{:>12} ", row.name);
    text += '\n';
    for (; zone != end; ++zone)
      show_blocks(text, *zone, rows);
  }
  return text;
}

} // namespace mmsim
