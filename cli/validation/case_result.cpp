#include "cli/validation/case_result.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "cli/validation/publication.hpp"

namespace mmsim::validation {
namespace {

struct Collected {
  ErrorSummary summary;
  std::vector<double> errors, medians;

  void add(const CaseResult& result) {
    const std::vector<double> more = predicted_errors(result.outcome);
    summary.cases += 1;
    summary.ok += result.outcome.ok;
    summary.points += more.size();
    errors.insert(errors.end(), more.begin(), more.end());
    if (result.outcome.median) medians.push_back(*result.outcome.median);
  }
  ErrorSummary finished() {
    summary.median = median_of(errors);
    summary.p90 = p90_of(errors);
    summary.median_of_cases = median_of(medians);
    return summary;
  }
};

/// What is asked of every series, whatever its verdict.
void add_course(Summary& summary, const Outcome& outcome) {
  summary.steps += outcome.steps;
  summary.wrong_steps += outcome.wrong_steps;
  if (!outcome.change || !outcome.change->predicted) return;
  const std::optional<double>& error = outcome.change->error;
  summary.changes += 1;
  summary.changes_within += error && std::abs(*error) <= change_bound;
}

} // namespace

Summary summary_of(const std::vector<CaseResult>& results) {
  Summary summary;
  Collected all;
  std::vector<Collected> topics;
  std::set<std::string> sources;
  std::map<Group, Collected> groups;
  std::vector<const Case*> cases;
  for (const CaseResult& result : results) {
    const Case& one = *result.one;
    summary.cases += 1;
    sources.insert(publication_of(one.source));
    summary.predicted += predicted_errors(result.outcome).size();
    cases.push_back(&one);
    add_course(summary, result.outcome);
    if (one.compare == Compare::trend) {
      summary.trends += 1;
      summary.trends_ok += result.outcome.ok;
      continue;
    }
    if (one.compare == Compare::crossover) {
      summary.crossovers += 1;
      summary.crossovers_ok += result.outcome.ok;
      continue;
    }
    all.add(result);
    groups[group_of(one)].add(result);
    if (topics.empty() || topics.back().summary.title != one.topic) { // cases come by topic
      topics.emplace_back();
      topics.back().summary.title = one.topic;
    }
    topics.back().add(result);
  }
  summary.sources = sources.size();
  summary.calibration = calibration_of(cases);
  summary.all = all.finished();
  for (Collected& topic : topics)
    summary.topics.push_back(topic.finished());
  for (auto& [group, collected] : groups) {
    collected.summary.title = title_of(group);
    summary.groups.push_back(collected.finished());
  }
  return summary;
}

} // namespace mmsim::validation
