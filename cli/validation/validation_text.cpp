#include "cli/validation/validation_text.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>

#include <spdlog/fmt/fmt.h>

#include "cli/readable.hpp"
#include "cli/terminal_table.hpp"
#include "cli/validation/frozen.hpp"

namespace mmsim::validation {
namespace {

constexpr auto right = TerminalTable::right;

/// "34 %", below ten "3.4 %"; "-" where errors do not count.
std::string percent(const std::optional<double>& share) {
  if (!share) return "-";
  if (!std::isfinite(*share)) return "no value";
  const double percent = 100 * *share;
  return fmt::format("{:.{}f} %", percent, std::abs(percent) < 9.95 ? 1 : 0);
}

std::string signed_percent(const std::optional<double>& share) {
  return share && std::isfinite(*share) ? (*share >= 0 ? "+" : "") + percent(share) : "-";
}

/// "x1.04", "x286": a value as a multiple of another.
std::string factor(const std::optional<double>& multiple) {
  if (!multiple) return "no value";
  const double size = std::abs(*multiple);
  if (size < 0.9995 || size >= 99999.5) return fmt::format("x{:#.3g}", *multiple);
  return fmt::format("x{:.{}f}", *multiple, size < 9.995 ? 2 : size < 99.95 ? 1 : 0);
}

/// "4 of 5"; "-" where none is asked about.
std::string steps_cell(const Outcome& outcome) {
  if (outcome.steps == 0) return "-";
  return fmt::format("{} of {}", outcome.steps - outcome.wrong_steps, outcome.steps);
}

std::string value_text(const std::optional<double>& value) {
  return value ? fmt::format("{:.4g}", *value) : "no value";
}

/// "CPUs 1 .. 80", or "3 kinds" where x is text.
std::string x_range(const Case& one) {
  const bool numbers =
      std::ranges::all_of(one.points, [](const CasePoint& point) { return number_of(point.x).has_value(); });
  if (!numbers) return fmt::format("{} x {}", one.points.size(), one.x);
  const auto less = [](const CasePoint& a, const CasePoint& b) { return *number_of(a.x) < *number_of(b.x); };
  const auto [first, last] = std::ranges::minmax_element(one.points, less);
  if (first == last) return one.x + ' ' + first->label;
  return fmt::format("{} {} .. {}", one.x, first->label, last->label);
}

/// Of a crossover the one place, whatever the points that it lies between.
std::size_t predicted(const Case& one) {
  if (one.compare == Compare::crossover) return 1;
  return std::size_t(
      std::ranges::count_if(one.points, [&](const CasePoint& point) { return !one.given(point); }));
}

std::string verdict(const CaseResult& result, const Terminal& terminal) {
  const std::string word = result.outcome.ok ? "ok" : terminal.red("MISS");
  return result.frozen() ? word : word + ", " + terminal.yellow("not frozen");
}

std::string tolerance(const Case& one) {
  return one.compare == Compare::trend ? "-" : percent(one.tolerance);
}

/// "worst at CPUs = 48: 1200 simulated, 2000 published (-40 %)"
std::string worst_point(const CaseResult& result) {
  const Row* worst = worst_row(*result.one, result.outcome);
  if (!worst) return {};
  const std::string place = fmt::format("worst at {} = {}: ", result.one->x, worst->x);
  if (!worst->simulated) return place + "no value: " + worst->message;
  return place + fmt::format("{} simulated, {} published ({})", value_text(worst->simulated),
                             value_text(worst->published), signed_percent(worst->error));
}

/// "from 1 to 80: x337 published, x162 simulated (-52 %); 4 of 4 steps right"
std::string course_text(const CaseResult& result) {
  const Outcome& outcome = result.outcome;
  std::string text;
  if (const auto& change = outcome.change)
    text = fmt::format("from {} to {}: {} published, {} simulated ({}){}", change->from, change->to,
                       factor(change->published), factor(change->simulated), signed_percent(change->error),
                       change->predicted ? "" : ", both given");
  if (outcome.steps > 0)
    text += fmt::format("{}{} of {} right", text.empty() ? "" : "; ", outcome.steps - outcome.wrong_steps,
                        plural(outcome.steps, "step"));
  return text;
}

/// "-40 %": there is no room for the place, which --points and the lines of misses tell.
std::string worst_cell(const CaseResult& result) {
  const Row* worst = worst_row(*result.one, result.outcome);
  if (!worst) return "-";
  return worst->error ? signed_percent(worst->error) : "no value";
}

/// By how much a case misses.
std::string miss_text(const CaseResult& result) {
  const Case& one = *result.one;
  const Outcome& outcome = result.outcome;
  if (one.compare == Compare::crossover) {
    const Row& row = outcome.rows.front();
    if (!row.simulated) return row.message;
    return fmt::format("crosses at {} = {}, published at {} ({}), tolerance {}", one.x,
                       value_text(row.simulated), value_text(row.published), signed_percent(row.error),
                       percent(one.tolerance));
  }
  if (one.compare == Compare::absolute || one.compare == Compare::relative)
    return fmt::format("median error {} of {}, tolerance {}; {}", percent(outcome.median),
                       plural(predicted(one), "predicted point"), percent(one.tolerance),
                       worst_point(result));
  std::string text = fmt::format("{} of {} the wrong way", outcome.wrong_steps,
                                 plural(outcome.steps, "step") + (outcome.steps == 1 ? " goes" : " go"));
  for (const Row& row : outcome.rows)
    if (row.predicted && !row.ok && !row.message.empty()) text += "; " + row.message;
  return text;
}

/// Lines of at most the terminal's width, all but the first indented.
std::string hanging(const std::string& head, const std::string& text, const Terminal& terminal, bool alarm) {
  constexpr std::size_t indent = 2;
  const std::size_t width = std::max<std::size_t>(terminal.width, 40) - indent;
  std::string result;
  for (const std::string& line : wrapped(head + text, width)) {
    const bool first = result.empty();
    std::string shown = line;
    if (first && line.starts_with(head)) {
      const std::string painted = alarm ? terminal.red(head) : terminal.yellow(head);
      shown = painted + line.substr(head.size());
    }
    result += (first ? "" : std::string(indent, ' ')) + shown + '\n';
  }
  return result;
}

std::string notes_of(const CaseResult& result, const Terminal& terminal) {
  const Case& one = *result.one;
  std::string text;
  if (!result.outcome.ok) {
    const std::string why =
        one.miss.empty() ? "not said yet: give " + one.file + " a miss = \"...\"" : one.miss;
    text += hanging(one.name + " misses: ", miss_text(result) + ". Why: " + why, terminal, true);
  } else if (!one.miss.empty()) {
    text +=
        hanging(one.name + " is ok, ",
                "though its file says why it misses: \"" + one.miss + "\"; take the note out of " + one.file,
                terminal, false);
  }
  if (frozen_state(one, result.hash) == Frozen::changed)
    text += hanging(one.name + " is not frozen: ", changed_advice(one, result.hash), terminal, false);
  return text;
}

/// One line for all: before the first freeze they are many.
std::string not_yet_frozen(const std::vector<CaseResult>& results, const Terminal& terminal) {
  std::string names;
  for (const CaseResult& result : results)
    if (frozen_state(*result.one, result.hash) == Frozen::not_yet)
      names += (names.empty() ? "" : ", ") + result.one->name;
  if (names.empty()) return {};
  return hanging(
      "Not frozen yet: ",
      names + ". Once machine file, settings, calibrated points and tolerance of a case are "
              "committed, its hash (mmsim validate --dry-run) goes into frozen, or into the last of changes",
      terminal, false);
}

struct CaseColumn {
  TerminalTable::Column title; // short: the table is wide
  std::size_t rank;            // who goes first where it is narrow: the highest
  std::string (*cell)(const CaseResult&, const Terminal&);
  std::string_view legend;
};
constexpr std::size_t highest_rank = 7;

template <auto Field>
std::string of_change(const CaseResult& result, const Terminal&) {
  return result.outcome.change ? factor(std::invoke(Field, *result.outcome.change)) : "-";
}

const std::array<CaseColumn, 13> case_columns{{
    {{"case"}, 0, [](const CaseResult& r, const Terminal&) { return "  " + r.one->name; }, ""},
    {{"compare"},
     6,
     [](const CaseResult& r, const Terminal&) { return std::string(name(r.one->compare)); },
     ""},
    {{"x", TerminalTable::wraps},
     7,
     [](const CaseResult& r, const Terminal&) { return x_range(*r.one); },
     ""},
    {{"points", right},
     5,
     [](const CaseResult& r, const Terminal&) { return std::to_string(predicted(*r.one)); },
     "points: predicted ones"},
    {{"median", right},
     0,
     [](const CaseResult& r, const Terminal&) { return percent(r.outcome.median); },
     "median: of their |error|"},
    {{"90th", right},
     4,
     [](const CaseResult& r, const Terminal&) { return percent(r.outcome.p90); },
     "90th: percentile, likewise"},
    {{"worst", right},
     2,
     [](const CaseResult& r, const Terminal&) { return worst_cell(r); },
     "worst: the largest error"},
    {{"limit", right},
     3,
     [](const CaseResult& r, const Terminal&) { return tolerance(*r.one); },
     "limit: the tolerance"},
    {{"change", right},
     0,
     of_change<&Change::published>,
     "change: the last published value as a multiple of the first"},
    {{"model", right}, 1, of_change<&Change::simulated>, "model: that of the simulated ones"},
    {{"off", right},
     0,
     [](const CaseResult& r, const Terminal&) {
       return r.outcome.change ? signed_percent(r.outcome.change->error) : "-";
     },
     "off: the error of the change"},
    {{"steps", right},
     0,
     [](const CaseResult& r, const Terminal&) { return steps_cell(r.outcome); },
     "steps: between neighbours, that go the published way"},
    {{"verdict"}, 0, [](const CaseResult& r, const Terminal& t) { return verdict(r, t); }, ""},
}};

/// Of the columns of at most this rank.
TerminalTable cases_table(const std::vector<CaseResult>& results, std::size_t rank,
                          const Terminal& terminal) {
  std::vector<TerminalTable::Column> titles;
  for (const CaseColumn& column : case_columns)
    if (column.rank <= rank) titles.push_back(column.title);
  TerminalTable table(titles);
  std::string topic;
  for (const CaseResult& result : results) {
    if (result.one->topic != topic) {
      topic = result.one->topic;
      std::vector<std::string> heading(titles.size());
      heading.front() = topic;
      table.add_row(std::move(heading));
    }
    std::vector<std::string> cells;
    for (const CaseColumn& column : case_columns)
      if (column.rank <= rank) cells.push_back(column.cell(result, terminal));
    table.add_row(std::move(cells));
  }
  return table;
}

std::string legend(std::size_t rank) {
  std::string text, left_out;
  for (const CaseColumn& column : case_columns)
    if (column.rank > rank)
      left_out.append(left_out.empty() ? ". Too wide for this terminal: " : ", ").append(column.title.title);
    else if (!column.legend.empty())
      text.append(text.empty() ? "" : "; ").append(column.legend);
  return text + left_out;
}

} // namespace

std::string cases_text(const std::vector<CaseResult>& results, const Terminal& terminal) {
  std::size_t rank = highest_rank;
  while (rank > 0 && cases_table(results, rank, terminal).natural_width() > terminal.width)
    --rank;
  std::string notes;
  for (const CaseResult& result : results)
    notes += notes_of(result, terminal);
  notes += not_yet_frozen(results, terminal);
  std::string below;
  for (const std::string& line : wrapped(legend(rank), terminal.width))
    below += terminal.dim(line) + '\n';
  return cases_table(results, rank, terminal).text(terminal) + below + (notes.empty() ? "" : '\n' + notes);
}

std::string points_text(const std::vector<CaseResult>& results, const Terminal& terminal) {
  std::string text;
  for (const CaseResult& result : results) {
    const Case& one = *result.one;
    text += (text.empty() ? "" : "\n") + terminal.bold(one.name) + ": " + one.title + " (" +
            std::string(name(one.compare)) + ", " + one.compared_unit() + ")\n";
    for (const std::string& line : wrapped(one.source, std::max<std::size_t>(terminal.width, 40) - 2))
      text += "  " + terminal.dim(line) + '\n';
    TerminalTable table({{one.x, right},
                         {"published", right},
                         {"simulated", right},
                         {"error", right},
                         {"", TerminalTable::wraps}});
    for (const Row& row : result.outcome.rows) {
      std::string last = row.predicted ? row.ok ? "ok" : terminal.red("miss") : terminal.dim("given");
      if (!row.message.empty()) last += ": " + row.message;
      const std::string error = one.compare == Compare::trend ? "-" : signed_percent(row.error);
      table.add_row({row.x, value_text(row.published), value_text(row.simulated), error, std::move(last)});
    }
    text += table.text(terminal, 2);
    for (const std::string& told : {worst_point(result), course_text(result)})
      if (!told.empty())
        for (const std::string& line : wrapped(told, std::max<std::size_t>(terminal.width, 40) - 2))
          text += "  " + line + '\n';
    for (const std::string& warning : result.warnings)
      text += hanging("  warning: ", warning, terminal, false);
  }
  return text;
}

std::string summary_text(const Summary& summary, const Terminal& terminal) {
  std::string text;
  if (summary.all.points > 0) {
    text += terminal.bold("|error| over the predicted points of absolute and relative cases") + '\n';
    TerminalTable table({{"topic, or what was known"},
                         {"cases", right},
                         {"ok", right},
                         {"points", right},
                         {"median", right},
                         {"90th perc.", right},
                         {"median of cases", right}});
    const auto add = [&](const ErrorSummary& each, const std::string& title) {
      table.add_row({title, std::to_string(each.cases), std::to_string(each.ok), std::to_string(each.points),
                     percent(each.median), percent(each.p90), percent(each.median_of_cases)});
    };
    for (const ErrorSummary& topic : summary.topics)
      add(topic, topic.title);
    if (!summary.groups.empty()) table.add_row({"", "", "", "", "", "", ""});
    for (const ErrorSummary& group : summary.groups)
      add(group, group.title);
    add(summary.all, "all");
    text += table.text(terminal) + '\n';
  }
  if (summary.trends > 0) text += fmt::format("Trends right: {} of {}\n", summary.trends_ok, summary.trends);
  if (summary.crossovers > 0)
    text += fmt::format("Crossovers right: {} of {}\n", summary.crossovers_ok, summary.crossovers);
  text += fmt::format("Relative change within {}: {} of {} series; steps right: {} of {}\n",
                      percent(change_bound), summary.changes_within, summary.changes,
                      summary.steps - summary.wrong_steps, summary.steps);
  text += fmt::format("{} from {}, {}; {} against {}\n", plural(summary.cases, "case"),
                      plural(summary.sources, "source"), plural(summary.predicted, "prediction"),
                      plural(summary.calibration.free, "free parameter"),
                      plural(summary.calibration.calibrated, "calibrated point"));
  return text;
}

std::string plan_text(const std::vector<Case>& cases, const std::vector<std::size_t>& runs,
                      std::size_t distinct, const Terminal& terminal) {
  TerminalTable table({{"case"},
                       {"topic"},
                       {"compare"},
                       {"x", TerminalTable::wraps},
                       {"points", right},
                       {"predicted", right},
                       {"runs", right},
                       {"hash"},
                       {"frozen"}});
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const Case& one = cases[i];
    const std::string hash = case_hash(one);
    const Frozen state = frozen_state(one, hash);
    table.add_row({one.name, one.topic, std::string(name(one.compare)), x_range(one),
                   std::to_string(one.points.size()), std::to_string(predicted(one)), std::to_string(runs[i]),
                   hash,
                   state == Frozen::yes       ? "yes"
                   : state == Frozen::not_yet ? terminal.yellow("not yet")
                                              : terminal.yellow("changed")});
  }
  return table.text(terminal) + fmt::format("\n{}, {} to do (identical ones once)\n",
                                            plural(cases.size(), "case"), plural(distinct, "run"));
}

} // namespace mmsim::validation
