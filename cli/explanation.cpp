#include "cli/explanation.hpp"

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "cli/bottleneck.hpp"
#include "cli/explain_locks.hpp"
#include "cli/explain_sentences.hpp"
#include "cli/explain_tree.hpp"
#include "cli/growth.hpp"
#include "cli/overview.hpp"
#include "cli/readable.hpp"
#include "cli/sampled_points.hpp"
#include "cli/terminal_table.hpp"
#include "cli/what_if.hpp"

namespace mmsim {
namespace {

constexpr double least_part = 0.005; // an account below this everywhere is part of "other"

/// Accounts of an operation over all points, so that its tables have the same columns; the largest share
/// first.
std::vector<std::string> accounts_of(const Findings& findings, const std::string& operation) {
  std::vector<std::pair<std::string, double>> most; // of each account its largest share
  for (const Findings::Point& point : findings.points)
    if (const Findings::Operation* found = point.find(operation))
      for (const Findings::AccountTime& account : found->accounts) {
        const double share = account.mean_ns / found->mean_ns;
        const auto known = std::ranges::find(most, account.account, &std::pair<std::string, double>::first);
        if (known == most.end())
          most.emplace_back(account.account, share);
        else
          known->second = std::max(known->second, share);
      }
  std::erase_if(most, [](const auto& each) { return each.second < least_part; });
  std::ranges::stable_sort(most, std::ranges::greater{}, &std::pair<std::string, double>::second);
  std::vector<std::string> names;
  for (auto& [name, share] : most)
    names.push_back(std::move(name));
  return names;
}

/// Which columns a table of shares has.
struct ShareColumns {
  std::vector<std::string> accounts;
  bool ci95 = true, p99 = true, whole_path = true;
};

TerminalTable shares(const Findings& findings, const Series& series, const std::string& operation,
                     const ShareColumns& shown) {
  const auto main = findings.main_axis();
  const std::string path = main ? findings.axes[*main].path : std::string();
  std::vector<TerminalTable::Column> columns{
      {shown.whole_path ? path : path.substr(path.rfind('.') + 1), TerminalTable::right},
      {"mean", TerminalTable::right}};
  if (shown.ci95) columns.push_back({"+-95 %", TerminalTable::right});
  if (shown.p99) columns.push_back({"p99", TerminalTable::right});
  for (const std::string& account : shown.accounts)
    columns.push_back({account, TerminalTable::right});
  columns.push_back({"other", TerminalTable::right});
  TerminalTable table(columns);
  for (const Findings::Point* point : series.points) {
    std::vector<std::string> cells{main ? point->values[*main] : ""};
    const Findings::Operation* found = point->find(operation);
    if (!found) {
      cells.push_back(point->status == "done" ? "-" : point->status);
      cells.resize(columns.size(), "-");
      table.add_row(std::move(cells));
      continue;
    }
    cells.push_back(readable_nanoseconds(found->mean_ns));
    if (shown.ci95) cells.push_back(found->ci95_ns ? readable_share(*found->ci95_ns / found->mean_ns) : "-");
    if (shown.p99) cells.push_back(found->p99_ns ? readable_nanoseconds(*found->p99_ns) : "-");
    double rest = found->accounts.empty() ? 0 : found->mean_ns;
    for (const std::string& account : shown.accounts) {
      const double time = found->in_account(account);
      rest -= time;
      cells.push_back(time > 0 ? readable_share(time / found->mean_ns) : "-");
    }
    cells.push_back(rest > 1e-4 * found->mean_ns ? readable_share(rest / found->mean_ns) : "-");
    table.add_row(std::move(cells));
  }
  return table;
}

/// With as many accounts as fit; the smallest go into "other".
TerminalTable shares_that_fit(const Findings& findings, const Series& series, const std::string& operation,
                              std::size_t width) {
  ShareColumns shown{accounts_of(findings, operation)};
  const auto narrower = [&] {
    if (shown.accounts.size() > 1)
      shown.accounts.pop_back();
    else if (shown.p99)
      shown.p99 = false;
    else if (shown.ci95)
      shown.ci95 = false;
    else if (shown.whole_path)
      shown.whole_path = false;
    else
      return false;
    return true;
  };
  TerminalTable table = shares(findings, series, operation, shown);
  while (table.natural_width() > width && narrower())
    table = shares(findings, series, operation, shown);
  return table;
}

/// "munmap at run.cpus=128".
std::string at_point(const Findings& findings, const Findings::Point& point, const std::string& operation) {
  const auto main = findings.main_axis();
  return main ? operation + " at " + findings.axes[*main].path + '=' + point.values[*main] : operation;
}

std::string paragraph(const std::string& sentence, const Terminal& terminal) {
  const std::string indent(2, ' '), deeper(4, ' ');
  std::string text;
  for (const std::string& line : wrapped(sentence, terminal.width - deeper.size()))
    text += (text.empty() ? indent : deeper) + line + '\n';
  return text;
}

std::string trees(const Findings& findings, const Series& series, const std::string& operation,
                  bool every_point, const Terminal& terminal) {
  std::vector<const Findings::Point*> points;
  for (const Findings::Point* point : series.points)
    if (point->find(operation)) points.push_back(point);
  if (!every_point && points.size() > 2) points.erase(points.begin() + 1, points.end() - 1);
  std::string text;
  for (const Findings::Point* point : points)
    text += '\n' + time_tree(*point->find(operation), at_point(findings, *point, operation), terminal, 2);
  return text;
}

std::string explained(const Findings& findings, const Series& series, const std::string& operation,
                      bool every_point, const Terminal& terminal) {
  std::string text = heading(title_of(findings, series, operation), terminal);
  for (auto point = series.points.rbegin(); point != series.points.rend(); ++point)
    if (const Findings::Operation* found = (*point)->find(operation)) {
      if (const auto bottleneck = bottleneck_of(*found))
        text += paragraph("bottleneck: " + bottleneck->name + ", " + readable_share(bottleneck->share) +
                              " of " + at_point(findings, **point, operation),
                          terminal);
      break;
    }
  text += shares_that_fit(findings, series, operation, terminal.width - 2).text(terminal, 2);
  for (const std::string& sentence : sentences_along(findings, series, operation))
    text += paragraph(sentence, terminal);
  return text + trees(findings, series, operation, every_point, terminal) + '\n';
}

/// Without neighbours: all points, the slowest first, and trees of the slowest and the fastest.
std::string explained_one_by_one(const Findings& findings, const std::string& operation, bool every_point,
                                 const Terminal& terminal) {
  std::vector<const Findings::Point*> points = by_latency(findings, operation);
  std::string text = heading(operation + ", the slowest point first", terminal) +
                     table_of_points(findings, operation, terminal, 2);
  const auto name = [](const Findings::Point& point) { return "point " + std::to_string(point.point); };
  if (points.size() > 1) {
    const std::string sentence = comparison(name(*points.back()), *points.back()->find(operation),
                                            name(*points.front()), *points.front()->find(operation));
    if (!sentence.empty()) text += paragraph(operation + ": " + sentence, terminal);
  }
  if (!every_point && points.size() > 2) points.erase(points.begin() + 1, points.end() - 1);
  for (const Findings::Point* point : points)
    text += '\n' + time_tree(*point->find(operation), operation + " at " + name(*point), terminal, 2);
  return text + '\n';
}

std::string legend(const Findings& findings, const LockStatTable& locks, const Terminal& terminal) {
  std::string text;
  const auto add = [&](const std::string& line) {
    for (const std::string& part : wrapped(line, terminal.width))
      text += part + '\n';
  };
  for (const Findings::Axis& axis : findings.axes)
    if (axis.values.size() == 1) add(axis.path + " = " + axis.values.front() + " throughout");
  add("The accounts' columns and the trees are parts of the mean; +-95 % is its confidence interval.");
  add("Under an account that waits: for whom. Behind the colon of a sentence: parts of what came in addition "
      "(+) or went away (-).");
  text += locks.legend();
  for (const std::string& label : findings.what_if)
    add(label + ' ' + std::string(what_if_mark));
  if (!findings.what_if.empty()) add(std::string(what_if_legend));
  return text;
}

} // namespace

std::string explanation(const Findings& findings, const ExplanationView& view, const Terminal& terminal) {
  const std::vector<Series> all = series_of(findings);
  std::string text;
  const bool whole_product = is_whole_product(findings);
  for (const std::string& operation : findings.operations()) {
    if (!whole_product) {
      text += explained_one_by_one(findings, operation, view.every_point, terminal);
      continue;
    }
    for (const Series& series : all)
      text += explained(findings, series, operation, view.every_point, terminal);
    std::string between;
    for (const std::string& sentence : sentences_between(findings, all, operation))
      between += paragraph(sentence, terminal);
    if (!between.empty()) text += heading(operation + ", one against the other", terminal) + between + '\n';
  }
  LockStatTable locks(terminal);
  text += explained_locks(findings, all, view.all_locks, locks, terminal);
  return text.empty() ? text : text + legend(findings, locks, terminal);
}

} // namespace mmsim
