#include "cli/validation/case_result.hpp"

#include <algorithm>
#include <utility>

namespace mmsim::validation {
namespace {

struct Collected {
  ErrorSummary summary;
  std::vector<double> errors;

  void add(const CaseResult& result) {
    const std::vector<double> more = predicted_errors(result.outcome);
    summary.cases += 1;
    summary.ok += result.outcome.ok;
    summary.points += more.size();
    errors.insert(errors.end(), more.begin(), more.end());
  }
  ErrorSummary finished() {
    summary.median = median_of(errors);
    summary.p90 = p90_of(errors);
    return summary;
  }
};

std::string publication_of(const std::string& source) { return source.substr(0, source.find_first_of(":;")); }

std::string machine_of(const Case& one) {
  const Entry* base = one.model.find("machine.base");
  return base ? to_text(base->value) : std::string();
}

} // namespace

Summary summary_of(const std::vector<CaseResult>& results) {
  Summary summary;
  Collected all;
  std::vector<Collected> topics;
  std::set<std::string> sources;
  std::set<std::pair<std::string, std::string>> free;
  for (const CaseResult& result : results) {
    const Case& one = *result.one;
    summary.cases += 1;
    sources.insert(publication_of(one.source));
    summary.predicted += predicted_errors(result.outcome).size();
    summary.calibrated += std::size_t(std::ranges::count(one.points, true, &CasePoint::calibrated));
    for (const std::string& path : one.free)
      free.emplace(machine_of(one), path);
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
    if (topics.empty() || topics.back().summary.topic != one.topic) { // cases come by topic
      topics.emplace_back();
      topics.back().summary.topic = one.topic;
    }
    topics.back().add(result);
  }
  summary.sources = sources.size();
  summary.free = free.size();
  summary.all = all.finished();
  for (Collected& topic : topics)
    summary.topics.push_back(topic.finished());
  return summary;
}

} // namespace mmsim::validation
