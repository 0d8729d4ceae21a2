#include "cli/lock_stat.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include "cli/readable.hpp"
#include "cli/terminal_table.hpp"

namespace mmsim {
namespace {

std::string count_of(double mean_over_seeds) {
  return readable_count(static_cast<std::uint64_t>(std::llround(mean_over_seeds)));
}
std::string time_of(double nanoseconds) { return nanoseconds > 0 ? readable_nanoseconds(nanoseconds) : "-"; }

enum Side : unsigned { of_waits = 1, of_holds = 2, of_both = of_waits | of_holds };

struct LockColumn {
  std::string_view title; // as in /proc/lock_stat
  unsigned side;
  std::size_t rank; // who goes first where it is narrow: the highest
  std::string (*cell)(const LockStat&);
};
constexpr std::size_t highest_rank = 5;
const std::array<LockColumn, 11> columns{{
    {"class name", of_both, 0, [](const LockStat& s) { return s.name; }},
    {"con-bounces", of_waits, 5, [](const LockStat& s) { return count_of(s.con_bounces); }},
    {"contentions", of_waits, 2, [](const LockStat& s) { return count_of(s.contended); }},
    {"waittime-max", of_waits, 4, [](const LockStat& s) { return time_of(s.wait_max_ns); }},
    {"waittime-total", of_waits, 1, [](const LockStat& s) { return time_of(s.wait_ns); }},
    {"waittime-avg", of_waits, 3,
     [](const LockStat& s) { return time_of(s.contended > 0 ? s.wait_ns / s.contended : 0); }},
    {"acq-bounces", of_holds, 5, [](const LockStat& s) { return count_of(s.acq_bounces); }},
    {"acquisitions", of_holds, 1, [](const LockStat& s) { return count_of(s.acquired); }},
    {"holdtime-max", of_holds, 3, [](const LockStat& s) { return time_of(s.hold_max_ns); }},
    {"holdtime-total", of_holds, 4, [](const LockStat& s) { return time_of(s.hold_ns); }},
    {"holdtime-avg", of_holds, 2,
     [](const LockStat& s) { return time_of(s.acquired > 0 ? s.hold_ns / s.acquired : 0); }},
}};

/// The columns of these sides and of at most this rank.
struct Shape {
  unsigned sides;
  std::size_t rank;
  bool two_lines; // of titles, broken at their hyphen
  bool has(const LockColumn& column) const { return (column.side & sides) != 0 && column.rank <= rank; }
};

TerminalTable table_of(const std::vector<LockStat>& classes, const Shape& shape) {
  std::vector<TerminalTable::Column> shown;
  std::vector<std::string> heading;
  for (const LockColumn& column : columns) {
    if (!shape.has(column)) continue;
    const std::size_t hyphen = column.title.find('-');
    const bool broken = shape.two_lines && hyphen != std::string_view::npos;
    heading.emplace_back(broken ? column.title.substr(0, hyphen + 1) : "");
    shown.push_back({std::string(broken ? column.title.substr(hyphen + 1) : column.title),
                     column.rank == 0 ? TerminalTable::left : TerminalTable::right});
  }
  TerminalTable table(shown);
  if (shape.two_lines) table.add_heading(std::move(heading));
  for (const LockStat& one : classes) {
    std::vector<std::string> cells;
    for (const LockColumn& column : columns)
      if (shape.has(column)) cells.push_back(column.cell(one));
    table.add_row(std::move(cells));
  }
  return table;
}

} // namespace

std::vector<LockStat> lock_stats(const MergedPoint& point) {
  const auto seeds = static_cast<double>(point.seeds);
  const auto nanoseconds = [](Duration duration) { return static_cast<double>(duration.count()) / 1000; };
  std::vector<LockStat> result;
  for (const auto& [name, stats] : point.counters.lock_classes)
    result.push_back({name, static_cast<double>(stats.acquired) / seeds,
                      static_cast<double>(stats.contended) / seeds, nanoseconds(stats.wait) / seeds,
                      nanoseconds(stats.hold) / seeds, nanoseconds(stats.wait_max),
                      nanoseconds(stats.hold_max), static_cast<double>(stats.acq_bounces) / seeds,
                      static_cast<double>(stats.con_bounces) / seeds});
  return result;
}

std::string LockStatTable::text(std::vector<LockStat> classes, std::size_t indent, std::size_t most) {
  std::erase_if(classes, [](const LockStat& one) { return one.acquired <= 0; });
  if (classes.empty()) return {};
  std::ranges::stable_sort(classes, [](const LockStat& a, const LockStat& b) {
    return a.wait_ns != b.wait_ns ? a.wait_ns > b.wait_ns : a.acquired > b.acquired;
  });
  const std::size_t more = classes.size() - std::min(classes.size(), most);
  classes.resize(classes.size() - more);

  shown_ = true;
  const auto fits = [&](const Shape& shape) {
    return table_of(classes, shape).natural_width() + indent <= terminal_.width;
  };
  std::vector<Shape> shapes{{of_both, highest_rank, false}};
  if (!fits(shapes[0])) shapes = {{of_both, highest_rank, true}};
  if (!fits(shapes[0])) shapes = {{of_waits, highest_rank, true}, {of_holds, highest_rank, true}};
  std::string result;
  for (Shape& shape : shapes) {
    for (; shape.rank > 1 && !fits(shape); --shape.rank)
      for (std::size_t i = 0; i < columns.size(); ++i)
        if (shape.has(columns[i]) && columns[i].rank == shape.rank) left_out_.insert(i);
    result += table_of(classes, shape).text(terminal_, indent);
  }
  if (more > 0)
    result += std::string(indent, ' ') + "and " + std::to_string(more) + " more that waited less\n";
  return result;
}

std::string LockStatTable::legend() const {
  if (!shown_) return {};
  std::string text = "Locks: the columns of /proc/lock_stat, without its min columns; waittime-avg is of the "
                     "contended acquisitions, maxima are of all seeds.";
  std::string names;
  for (const std::size_t column : left_out_)
    names.append(names.empty() ? " Too wide for this terminal: " : ", ").append(columns[column].title);
  text += names.empty() ? "" : names + "; counter.csv has them.";
  std::string lines;
  for (const std::string& line : wrapped(text, terminal_.width))
    lines += line + '\n';
  return lines;
}

} // namespace mmsim
