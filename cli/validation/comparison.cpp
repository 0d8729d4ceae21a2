#include "cli/validation/comparison.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <spdlog/fmt/fmt.h>

namespace mmsim::validation {
namespace {

std::optional<double> error_of(const std::optional<double>& simulated, double published) {
  if (!simulated || published == 0) return std::nullopt;
  return *simulated / published - 1;
}

bool within(const std::optional<double>& error, double tolerance) {
  return error && std::abs(*error) <= tolerance;
}

std::vector<Row> rows_of(const Case& one, const std::vector<Answer>& answers) {
  std::vector<Row> rows;
  for (std::size_t i = 0; i < one.points.size(); ++i) {
    const CasePoint& point = one.points[i];
    rows.push_back({.x = point.label,
                    .published = point.y,
                    .simulated = answers.at(i).value,
                    .error = {},
                    .predicted = !one.given(point),
                    .ok = false,
                    .step = {},
                    .message = answers[i].why_none});
  }
  return rows;
}

void divide_by_base(const Case& one, std::vector<Row>& rows) {
  std::size_t base = 0;
  while (!same_x(one.points.at(base).x, *one.base))
    ++base;
  const Row at_base = rows[base];
  for (Row& row : rows) {
    row.published /= at_base.published;
    if (row.simulated && at_base.simulated && *at_base.simulated != 0) {
      *row.simulated /= *at_base.simulated;
      continue;
    }
    row.simulated.reset();
    if (row.message.empty())
      row.message =
          "no value at the base x = " + at_base.x + (at_base.message.empty() ? "" : ": " + at_base.message);
  }
}

void judge_errors(const Case& one, Outcome& outcome) {
  for (Row& row : outcome.rows) {
    row.error = error_of(row.simulated, row.published);
    row.ok = within(row.error, one.tolerance);
  }
  const std::vector<double> errors = predicted_errors(outcome);
  outcome.median = median_of(errors);
  outcome.p90 = p90_of(errors);
  outcome.ok = outcome.median && *outcome.median <= one.tolerance;
}

void walk_steps(const Case& one, const std::vector<Answer>& answers, Outcome& outcome) {
  for (std::size_t i = 1; i < one.points.size(); ++i) {
    const CasePoint &from = one.points[i - 1], &to = one.points[i];
    if (!is_step(from.y, to.y, one.step)) continue;
    const bool both = answers[i - 1].value && answers[i].value;
    const std::string wrong = both ? wrong_step(answers[i - 1], answers[i], from.y, to.y) : std::string();
    const bool right = both && wrong.empty(), predicted = !one.given(to);
    outcome.steps += predicted;
    outcome.wrong_steps += predicted && !right;
    if (one.compare == Compare::crossover) continue; // whose one row is no point
    Row& row = outcome.rows[i];
    row.step = right;
    if (!wrong.empty() && row.message.empty())
      row.message = fmt::format("from x = {} to {} the published value goes {}, the simulated {}", from.label,
                                to.label, to.y > from.y ? "up" : "down", wrong);
  }
}

void judge_steps(Outcome& outcome) {
  for (Row& row : outcome.rows) {
    row.error = error_of(row.simulated, row.published);
    row.ok = row.step.value_or(row.simulated.has_value());
  }
  outcome.ok = std::ranges::all_of(outcome.rows, [](const Row& row) { return row.ok || !row.predicted; });
}

std::vector<std::pair<double, double>> curve_of(const Case& one, const std::vector<Answer>* answers) {
  std::vector<std::pair<double, double>> curve;
  for (std::size_t i = 0; i < one.points.size(); ++i)
    curve.emplace_back(*number_of(one.points[i].x), answers ? *answers->at(i).value : one.points[i].y);
  return curve;
}

void judge_crossing(const Case& one, const std::vector<Answer>& answers, Outcome& outcome) {
  Row row{.x = "crossing",
          .published = *crossing(curve_of(one, nullptr), one.level),
          .simulated = {},
          .error = {},
          .predicted = true,
          .ok = false,
          .step = {},
          .message = {}};
  const auto failed = std::ranges::find_if(answers, [](const Answer& each) { return !each.value; });
  if (failed != answers.end()) {
    row.message = "no value at x = " + one.points[std::size_t(failed - answers.begin())].label + ": " +
                  failed->why_none;
  } else {
    row.simulated = crossing(curve_of(one, &answers), one.level);
    if (!row.simulated) row.message = fmt::format("the simulated curve does not cross {:.6g}", one.level);
  }
  outcome.rows = {std::move(row)};
  judge_errors(one, outcome);
}

} // namespace

Outcome compare(const Case& one, const std::vector<Answer>& answers) {
  Outcome outcome;
  outcome.change = change_of(one, answers);
  if (one.compare == Compare::crossover) {
    judge_crossing(one, answers, outcome);
    walk_steps(one, answers, outcome);
    return outcome;
  }
  outcome.rows = rows_of(one, answers);
  if (one.base) divide_by_base(one, outcome.rows);
  walk_steps(one, answers, outcome);
  if (one.compare == Compare::trend)
    judge_steps(outcome);
  else
    judge_errors(one, outcome);
  return outcome;
}

std::optional<Change> change_of(const Case& one, const std::vector<Answer>& answers) {
  const CasePoint &first = one.points.front(), &last = one.points.back();
  if (one.points.size() < 2 || !(first.y * last.y > 0)) return std::nullopt;
  Change change{.from = first.label,
                .to = last.label,
                .published = last.y / first.y,
                .simulated = {},
                .error = {},
                .predicted = !one.given(first) || !one.given(last)};
  const auto &begins = answers.front().value, &ends = answers.back().value;
  if (begins && ends && *begins != 0) change.simulated = *ends / *begins;
  change.error = error_of(change.simulated, change.published);
  return change;
}

std::optional<double> crossing(const std::vector<std::pair<double, double>>& curve, double level) {
  int side = 0; // of the points so far; those that lie on the level are on neither
  for (std::size_t i = 0; i < curve.size(); ++i) {
    const double above = curve[i].second - level;
    const int here = (above > 0) - (above < 0);
    if (side != 0 && here == -side) {
      const auto& [x, y] = curve[i - 1];
      return x + (curve[i].first - x) * (level - y) / (curve[i].second - y);
    }
    if (here != 0) side = here;
  }
  return std::nullopt;
}

bool is_step(double from, double to, double least_share) {
  return to != from && std::abs(to - from) >= least_share * std::abs(from);
}

std::string wrong_step(const Answer& from, const Answer& to, double published_from, double published_to) {
  constexpr double least_part = 0.1, standard_errors = 2;
  const double published = published_to - published_from, simulated = *to.value - *from.value;
  const std::string values = fmt::format("({:.4g} to {:.4g})", *from.value, *to.value);
  if (simulated == 0 || (simulated > 0) != (published > 0)) return "does not " + values;
  if (published_from != 0) {
    const double least = least_part * std::abs(published / published_from) * std::abs(*from.value);
    if (std::abs(simulated) < least)
      return fmt::format("hardly {}: by less than a tenth of the published {:.3g} %", values,
                         100 * std::abs(published / published_from));
  }
  const double noise = std::hypot(from.standard_error.value_or(0), to.standard_error.value_or(0));
  if (std::abs(simulated) < standard_errors * noise)
    return fmt::format("by no more than seeds differ {}: twice the standard error is {:.2g}", values,
                       standard_errors * noise);
  return {};
}

std::optional<double> median_of(std::vector<double> values) {
  if (values.empty()) return std::nullopt;
  std::ranges::sort(values);
  const std::size_t n = values.size();
  return n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

std::optional<double> p90_of(std::vector<double> values) {
  if (values.empty()) return std::nullopt;
  std::ranges::sort(values);
  return values[(9 * values.size() + 9) / 10 - 1];
}

std::vector<double> predicted_errors(const Outcome& outcome) {
  std::vector<double> errors;
  for (const Row& row : outcome.rows)
    if (row.predicted)
      errors.push_back(row.error ? std::abs(*row.error) : std::numeric_limits<double>::infinity());
  return errors;
}

const Row* worst_row(const Case& one, const Outcome& outcome) {
  if (one.compare == Compare::trend) return nullptr;
  const Row* worst = nullptr;
  const auto distance = [](const Row& row) {
    return row.error ? std::abs(*row.error) : std::numeric_limits<double>::infinity();
  };
  for (const Row& row : outcome.rows)
    if (row.predicted && (!worst || distance(row) > distance(*worst))) worst = &row;
  return worst;
}

} // namespace mmsim::validation
