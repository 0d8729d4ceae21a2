#include "cli/validation/case_runs.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>

#include "cli/validation/published_quantity.hpp"
#include "scenarios/scenario.hpp"
#include "sim/engine/nearest_name.hpp"
#include "sim/engine/parameter.hpp"

namespace mmsim::validation {
namespace {

/// Two runs with the same text have the same result.
std::string identity_of(const Configuration& configuration) {
  std::string text;
  const Configuration complete = with_defaults(configuration);
  for (const auto& [path, entry] : complete.entries())
    text += path + '=' + to_text(entry.value) + '\n';
  return text;
}

/// Where only a number of operations is known, how long they take is a guess.
double guessed_cost(const Configuration& configuration) {
  constexpr double seconds_an_operation = 2e-6;
  const auto run = read_parameters<RunParameters>(configuration);
  const double warmup = double(run.warmup.count()) * 1e-12, window = double(run.duration.count()) * 1e-12;
  return double(run.cpus) *
         (warmup + (run.operations ? double(run.operations) * seconds_an_operation : window));
}

/// The mean, or nothing if a seed has no value.
std::optional<double> mean_of(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values)
    sum += value;
  const double mean = sum / double(values.size());
  return std::isfinite(mean) ? std::optional(mean) : std::nullopt;
}

/// Of the mean. Nothing of one seed, or where a seed has no value.
std::optional<double> standard_error_of(const std::vector<double>& values) {
  const auto mean = mean_of(values);
  if (values.size() < 2 || !mean) return std::nullopt;
  double squares = 0;
  for (const double value : values)
    squares += (value - *mean) * (value - *mean);
  return std::sqrt(squares / double(values.size() - 1) / double(values.size()));
}

/// Seed by seed; not a number where a seed has no such value.
std::vector<double> combined_by_seed(Combine combine, const std::vector<double>& values,
                                     const std::vector<double>& against) {
  std::vector<double> result;
  for (std::size_t i = 0; i < values.size(); ++i)
    result.push_back(combined(combine, values[i], against[i]).value_or(std::nan("")));
  return result;
}

} // namespace

std::vector<CaseRun> runs_of(const std::vector<Case>& cases) {
  std::vector<CaseRun> runs;
  std::map<std::string, std::size_t> places;
  for (std::size_t i = 0; i < cases.size(); ++i)
    for (std::size_t k = 0; k < cases[i].points.size(); ++k)
      for (const bool of_against : {false, true}) {
        if (of_against && !cases[i].against) continue;
        Configuration configuration = cases[i].configuration(cases[i].points[k], of_against);
        for (std::int64_t seed = 1; seed <= cases[i].seeds; ++seed) {
          configuration.set("run.seed", seed, cases[i].points[k].origin);
          const auto [place, is_new] = places.emplace(identity_of(configuration), runs.size());
          if (is_new) runs.push_back({configuration, {}, guessed_cost(configuration)});
          runs[place->second].uses.push_back({i, k, of_against, std::size_t(seed - 1)});
        }
      }
  std::ranges::stable_sort(runs, std::ranges::greater{}, &CaseRun::weight);
  return runs;
}

CaseAnswers::CaseAnswers(const std::vector<Case>& cases) : cases_(cases) {
  for (const Case& one : cases) {
    const Values none{std::vector<double>(std::size_t(one.seeds), std::nan("")), {}};
    Book& book = books_.emplace_back();
    book.values.assign(one.points.size(), none);
    book.against.assign(one.against ? one.points.size() : 0, none);
  }
}

void CaseAnswers::add(const CaseRun& run, const PointResult& result) {
  for (const Use& use : run.uses)
    add(use, run, result);
}

void CaseAnswers::add(const Use& use, const CaseRun& run, const PointResult& result) {
  const CaseQuantity& quantity = cases_.at(use.one).quantity;
  Book& book = books_.at(use.one);
  Values& values = (use.of_against ? book.against : book.values).at(use.point);
  book.warnings.insert(result.warnings.begin(), result.warnings.end());
  if (result.status != PointStatus::done) {
    values.why_none = "seed " + std::to_string(use.seed + 1) + ' ' +
                      (result.status == PointStatus::violation ? "found a violation: " : "failed: ") +
                      result.message;
    return;
  }
  const std::int64_t cpus = read_parameters<RunParameters>(run.configuration).cpus;
  const auto value = value_of(quantity, result, cpus);
  if (value)
    values.by_seed.at(use.seed) = *value;
  else
    values.why_none = "nothing completed in the window of seed " + std::to_string(use.seed + 1);

  book.any_done = true;
  const std::vector<std::string> unknown = unknown_counters(quantity, result);
  for (const std::string& each : quantity.counters)
    if (std::ranges::find(unknown, each) == unknown.end()) book.known_counters.insert(each);
  for (const auto& lock_class : result.counters.lock_classes)
    book.lock_classes.insert(lock_class.name);
}

void CaseAnswers::refuse_unknown_counters(const Case& one, const Book& book) const {
  if (!book.any_done) return;
  for (const std::string& each : one.quantity.counters) {
    if (book.known_counters.contains(each)) continue;
    std::vector<std::string> known;
    for (const std::string& lock_class : book.lock_classes)
      known.push_back(each.substr(0, each.find('.') + 1) + lock_class);
    throw InputError("counters of [quantity]: no run has a counter \"" + each + '"' +
                         did_you_mean(each, known),
                     one.quantity.counters_origin);
  }
}

std::vector<Answer> CaseAnswers::of(std::size_t number) const {
  const Case& one = cases_.at(number);
  const Book& book = books_.at(number);
  refuse_unknown_counters(one, book);
  std::vector<Answer> answers;
  for (std::size_t i = 0; i < one.points.size(); ++i) {
    Answer& answer = answers.emplace_back();
    answer.value = mean_of(book.values[i].by_seed);
    answer.why_none = book.values[i].why_none;
    answer.standard_error = standard_error_of(book.values[i].by_seed);
    if (!one.against) continue;
    answer.standard_error = standard_error_of(
        combined_by_seed(one.quantity.combine, book.values[i].by_seed, book.against[i].by_seed));
    const auto against = mean_of(book.against[i].by_seed);
    if (answer.value && against) {
      answer.value = combined(one.quantity.combine, *answer.value, *against);
      if (!answer.value) answer.why_none = "the run of [against] gave 0, to which there is no ratio";
    } else {
      answer.value.reset();
      if (answer.why_none.empty()) answer.why_none = "in the run of [against], " + book.against[i].why_none;
    }
  }
  return answers;
}

} // namespace mmsim::validation
