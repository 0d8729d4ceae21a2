#include "cli/sampled_points.hpp"

#include <algorithm>
#include <functional>

#include "cli/bottleneck.hpp"
#include "cli/readable.hpp"
#include "cli/terminal_table.hpp"
#include "cli/what_if.hpp"

namespace mmsim {

bool is_whole_product(const Findings& findings) {
  std::size_t combinations = 1;
  for (const Findings::Axis& axis : findings.axes) {
    if (axis.values.size() > findings.points.size()) return false;
    combinations *= axis.values.size();
    if (combinations > findings.points.size()) return false;
  }
  return true;
}

std::vector<const Findings::Point*> by_latency(const Findings& findings, const std::string& operation) {
  std::vector<const Findings::Point*> points;
  for (const Findings::Point& point : findings.points)
    if (point.find(operation)) points.push_back(&point);
  std::ranges::stable_sort(points, std::ranges::greater{},
                           [&](const Findings::Point* point) { return point->find(operation)->mean_ns; });
  return points;
}

std::string place_of(const Findings& findings, const Findings::Point& point) {
  std::string place;
  for (std::size_t i = 0; i < findings.axes.size(); ++i) {
    if (findings.axes[i].values.size() < 2) continue; // said once for all
    place += (place.empty() ? "" : " ") + findings.axes[i].path + '=' + point.values[i];
    if (findings.marks(point, i)) place.append(" ").append(what_if_mark);
  }
  return place;
}

std::string table_of_points(const Findings& findings, const std::string& operation, const Terminal& terminal,
                            std::size_t indent) {
  const bool wide = terminal.width >= 60;
  std::vector<TerminalTable::Column> columns{{"point", TerminalTable::right}, {"mean", TerminalTable::right}};
  if (wide) columns.push_back({"bottleneck", TerminalTable::wraps});
  columns.push_back({"at", TerminalTable::wraps});
  TerminalTable table(columns);
  for (const Findings::Point* point : by_latency(findings, operation)) {
    const Findings::Operation& found = *point->find(operation);
    std::vector<std::string> cells{std::to_string(point->point), readable_nanoseconds(found.mean_ns)};
    const auto bottleneck = bottleneck_of(found);
    if (wide) cells.push_back(bottleneck ? bottleneck->name + ", " + readable_share(bottleneck->share) : "-");
    cells.push_back(place_of(findings, *point));
    table.add_row(std::move(cells));
  }
  return table.text(terminal, indent);
}

} // namespace mmsim
