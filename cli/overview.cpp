#include "cli/overview.hpp"

#include <algorithm>
#include <map>

#include "cli/readable.hpp"
#include "cli/sampled_points.hpp"
#include "cli/terminal_table.hpp"
#include "cli/what_if.hpp"

namespace mmsim {
namespace {

constexpr std::size_t most_points = 400;

bool is_label(const Findings& findings, std::size_t axis) {
  return findings.main_axis() != axis && findings.axes[axis].values.size() > 1;
}

std::string cell(const Findings::Operation* operation) {
  return operation ? readable_nanoseconds(operation->mean_ns) : "-";
}

/// One table with the series [first, last).
TerminalTable table_of(const Findings& findings, const std::vector<Series>& series, std::size_t first,
                       std::size_t last, const std::string& operation) {
  const auto main = findings.main_axis();
  const auto paths = label_paths(findings);
  std::vector<TerminalTable::Column> columns{{main ? findings.axes[*main].path : "", TerminalTable::right}};
  columns.resize(1 + last - first, {"", TerminalTable::right});
  TerminalTable table(columns);
  for (std::size_t i = 0; i < paths.size(); ++i) {
    std::vector<std::string> heading{paths[i]};
    for (std::size_t k = first; k < last; ++k)
      heading.push_back(series[k].labels[i]);
    table.add_heading(std::move(heading));
  }
  for (std::size_t row = 0; row < series[first].points.size(); ++row) {
    std::vector<std::string> cells{main ? series[first].points[row]->values[*main] : "mean"};
    for (std::size_t k = first; k < last; ++k)
      cells.push_back(cell(series[k].points[row]->find(operation)));
    table.add_row(std::move(cells));
  }
  return table;
}

} // namespace

std::vector<std::string> label_paths(const Findings& findings) {
  std::vector<std::string> paths;
  for (std::size_t i = 0; i < findings.axes.size(); ++i)
    if (is_label(findings, i)) paths.push_back(findings.axes[i].path);
  return paths;
}

std::string title_of(const Findings& findings, const Series& series, const std::string& text) {
  std::string title = text;
  const auto paths = label_paths(findings);
  for (std::size_t i = 0; i < paths.size(); ++i)
    title += "  " + paths[i] + '=' + series.labels[i];
  return title;
}

std::string heading(const std::string& title, const Terminal& terminal) {
  if (columns_of(title) <= terminal.width) return terminal.bold(title) + '\n'; // with its double spaces
  std::string text;
  for (const std::string& line : wrapped(title, terminal.width))
    text += terminal.bold(line) + '\n';
  return text;
}

std::vector<Series> series_of(const Findings& findings) {
  const auto main = findings.main_axis();
  std::map<std::vector<std::size_t>, Series> by_place; // in the order of the sweep file
  for (const Findings::Point& point : findings.points) {
    std::vector<std::size_t> place;
    std::vector<std::string> labels;
    for (std::size_t i = 0; i < findings.axes.size(); ++i) {
      if (main == i) continue;
      place.push_back(findings.axes[i].place_of(point.values[i]));
      if (!is_label(findings, i)) continue;
      labels.push_back(point.values[i]);
      if (findings.marks(point, i)) labels.back().append(" ").append(what_if_mark);
    }
    Series& series = by_place[place];
    series.labels = std::move(labels);
    series.points.push_back(&point);
  }
  std::vector<Series> result;
  for (auto& [place, series] : by_place) {
    if (main)
      std::ranges::stable_sort(series.points, {}, [&](const Findings::Point* point) {
        const Findings::Axis& axis = findings.axes[*main];
        return axis.numbers[axis.place_of(point->values[*main])];
      });
    result.push_back(std::move(series));
  }
  return result;
}

std::string overview(const Findings& findings, const Terminal& terminal) {
  if (findings.points.size() > most_points)
    return std::to_string(findings.points.size()) + " points: mmsim explain shows them one by one\n";
  const std::vector<Series> series = series_of(findings);
  std::string result;
  bool marked = false;
  for (const std::string& operation : findings.operations()) {
    result += terminal.bold(operation + ", mean latency") + '\n';
    if (!is_whole_product(findings)) {
      result += table_of_points(findings, operation, terminal) + '\n';
      continue;
    }
    for (std::size_t first = 0; first < series.size();) {
      std::size_t last = first + 1;
      while (last < series.size() &&
             table_of(findings, series, first, last + 1, operation).natural_width() <= terminal.width)
        ++last;
      result += table_of(findings, series, first, last, operation).text(terminal) + '\n';
      first = last;
    }
  }
  for (const Series& each : series)
    for (const std::string& label : each.labels)
      marked = marked || label.ends_with(what_if_mark);
  if (marked) result.append(what_if_legend).append("\n");
  const auto paths = label_paths(findings);
  for (const std::string& label : findings.what_if) {
    const std::string path = label.substr(0, label.find('='));
    if (std::ranges::find(paths, path) == paths.end())
      result += label + ' ' + std::string(what_if_mark) + '\n';
  }
  return result;
}

} // namespace mmsim
