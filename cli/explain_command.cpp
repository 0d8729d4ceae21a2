#include <algorithm>
#include <iostream>
#include <string>
#include <vector>

#include <spdlog/spdlog.h>

#include "cli/commands.hpp"
#include "cli/exit_status.hpp"
#include "cli/findings.hpp"
#include "cli/growth.hpp"
#include "cli/overview.hpp"
#include "cli/readable.hpp"
#include "cli/terminal_table.hpp"
#include "cli/what_if.hpp"
#include "sim/engine/configuration.hpp"

namespace mmsim {
namespace {

constexpr double least_share = 0.005; // an account below this everywhere is part of "other"

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
  std::erase_if(most, [](const auto& each) { return each.second < least_share; });
  std::ranges::stable_sort(most, std::ranges::greater{}, &std::pair<std::string, double>::second);
  std::vector<std::string> names;
  for (auto& [name, share] : most)
    names.push_back(std::move(name));
  return names;
}

TerminalTable shares(const Findings& findings, const Series& series, const std::string& operation,
                     const std::vector<std::string>& accounts) {
  const auto main = findings.main_axis();
  std::vector<TerminalTable::Column> columns{{main ? findings.axes[*main].path : "", TerminalTable::right},
                                             {"mean", TerminalTable::right},
                                             {"+-95 %", TerminalTable::right},
                                             {"p99", TerminalTable::right}};
  for (const std::string& account : accounts)
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
    cells.push_back(found->ci95_ns ? readable_share(*found->ci95_ns / found->mean_ns) : "-");
    cells.push_back(readable_nanoseconds(found->p99_ns));
    double rest = found->mean_ns;
    for (const std::string& account : accounts) {
      const double time = found->in_account(account);
      rest -= time;
      cells.push_back(time > 0 ? readable_share(time / found->mean_ns) : "-");
    }
    cells.push_back(rest > 1e-4 * found->mean_ns ? readable_share(rest / found->mean_ns) : "-");
    table.add_row(std::move(cells));
  }
  return table;
}

/// A line for every step along the numeric axis, and one for all of it.
std::vector<std::string> sentences(const Findings& findings, const Series& series,
                                   const std::string& operation) {
  std::vector<std::string> result;
  const auto main = findings.main_axis();
  if (!main) return result;
  std::vector<std::pair<std::string, const Findings::Operation*>> steps;
  for (const Findings::Point* point : series.points)
    if (const Findings::Operation* found = point->find(operation))
      steps.emplace_back(point->values[*main], found);
  const std::string& path = findings.axes[*main].path;
  const auto add = [&](const auto& from, const auto& to) {
    std::string sentence = growth(path, from.first, *from.second, to.first, *to.second);
    if (!sentence.empty()) result.push_back(std::move(sentence));
  };
  for (std::size_t i = 1; i < steps.size(); ++i)
    add(steps[i - 1], steps[i]);
  if (steps.size() > 2) add(steps.front(), steps.back());
  return result;
}

std::string title_of(const Findings& findings, const Series& series, const std::string& operation) {
  std::string title = operation;
  const auto paths = label_paths(findings);
  for (std::size_t i = 0; i < paths.size(); ++i)
    title += "  " + paths[i] + '=' + series.labels[i];
  return title;
}

void explain(const Findings& findings, const Series& series, const std::string& operation,
             const Terminal& terminal) {
  std::cout << terminal.bold(title_of(findings, series, operation)) << '\n';
  std::vector<std::string> accounts = accounts_of(findings, operation);
  TerminalTable table = shares(findings, series, operation, accounts);
  while (accounts.size() > 1 &&
         table.natural_width() + 2 > terminal.width) { // the smallest goes into "other"
    accounts.pop_back();
    table = shares(findings, series, operation, accounts);
  }
  std::cout << table.text(terminal, 2);
  for (const std::string& sentence : sentences(findings, series, operation))
    std::cout << "  " << sentence << '\n';
  std::cout << '\n';
}

// Without --locks. What waited most is what a reader looks for.
constexpr std::size_t most_lock_tables = 6, most_lock_classes = 5;

struct PlaceInSeries {
  const Series* series;
  const Findings::Point* point;
  double waited_ns = 0; // on all locks together
};

/// The points whose locks are shown, in the order of the series.
std::vector<PlaceInSeries> places_of_locks(const std::vector<Series>& all, bool every_point) {
  std::vector<PlaceInSeries> places;
  for (const Series& series : all)
    for (const Findings::Point* point : series.points) {
      const bool at_an_end = point == series.points.front() || point == series.points.back();
      if (point->locks.empty() || !(every_point || at_an_end)) continue;
      double waited = 0;
      for (const LockStat& one : point->locks)
        waited += one.wait_ns;
      places.push_back({&series, point, waited});
    }
  if (every_point || places.size() <= most_lock_tables) return places;
  std::vector<double> waits;
  for (const PlaceInSeries& place : places)
    waits.push_back(place.waited_ns);
  std::ranges::nth_element(waits, waits.begin() + most_lock_tables - 1, std::ranges::greater{});
  std::size_t shown = 0;
  std::erase_if(places, [&, least = waits[most_lock_tables - 1]](const PlaceInSeries& place) {
    return place.waited_ns < least || ++shown > most_lock_tables;
  });
  return places;
}

/// Returns the legend.
std::string explain_locks(const Findings& findings, const std::vector<Series>& all, bool everything,
                          const Terminal& terminal) {
  LockStatTable table(terminal);
  const auto main = findings.main_axis();
  for (const PlaceInSeries& place : places_of_locks(all, everything)) {
    const std::string text = table.text(place.point->locks, 2, everything ? SIZE_MAX : most_lock_classes);
    if (text.empty()) continue;
    const std::string at =
        main ? "  " + findings.axes[*main].path + '=' + place.point->values[*main] : std::string();
    std::cout << terminal.bold(title_of(findings, *place.series, "locks" + at)) << '\n' << text << '\n';
  }
  return table.legend();
}

} // namespace

int explain_command(const ExplainOptions& options) {
  const Findings findings = read_findings(options.directory);
  const Terminal terminal = terminal_of(1);
  const auto operations = findings.operations();
  if (operations.empty())
    throw InputError("no point has a result: see the status of each in manifest.json",
                     {options.directory.native()});
  const std::vector<Series> all = series_of(findings);
  for (const std::string& operation : operations)
    for (const Series& series : all)
      explain(findings, series, operation, terminal);
  const std::string lock_legend = explain_locks(findings, all, options.locks, terminal);

  for (const Findings::Axis& axis : findings.axes)
    if (axis.values.size() == 1) std::cout << axis.path << " = " << axis.values.front() << " throughout\n";
  std::cout << "The accounts' columns are parts of the mean; +-95 % is its confidence interval.\n"
               "Behind the colon of a sentence: parts of the difference.\n"
            << lock_legend;
  for (const std::string& label : findings.what_if)
    std::cout << label << ' ' << what_if_mark << '\n';
  if (!findings.what_if.empty()) std::cout << what_if_legend << '\n';
  std::size_t bad = 0;
  for (const Findings::Point& point : findings.points)
    bad += point.status != "done";
  if (bad > 0)
    spdlog::warn("{} of {} points have a violation or a fault; see manifest.json", bad,
                 findings.points.size());
  return exit_done;
}

} // namespace mmsim
