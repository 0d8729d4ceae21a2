#include "cli/explain_sentences.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "cli/growth.hpp"
#include "cli/unfinished_sweep.hpp"

namespace mmsim {
namespace {

/// Whether the values of this axis are choices, to be compared with each other.
bool is_choice(const Findings& findings, const std::string& path) {
  const auto axis = std::ranges::find(findings.axes, path, &Findings::Axis::path);
  return axis->numbers.empty() && path != number_of_point;
}

/// The operation under one value of an axis.
struct Choice {
  std::string value;
  const Findings::Operation* operation;
};

/// The fastest against each other one, in the order of the sweep file.
std::vector<std::string> against_the_fastest(const std::vector<Choice>& choices) {
  const auto fastest =
      std::ranges::min_element(choices, {}, [](const Choice& choice) { return choice.operation->mean_ns; });
  std::vector<std::string> sentences;
  for (const Choice& choice : choices)
    if (choice.operation != fastest->operation)
      if (auto sentence = comparison(fastest->value, *fastest->operation, choice.value, *choice.operation);
          !sentence.empty())
        sentences.push_back(std::move(sentence));
  return sentences;
}

} // namespace

std::vector<std::string> sentences_along(const Findings& findings, const Series& series,
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

std::vector<std::string> sentences_between(const Findings& findings, const std::vector<Series>& all,
                                           const std::string& operation) {
  std::vector<std::string> result;
  const auto main = findings.main_axis();
  const auto paths = label_paths(findings);
  for (std::size_t i = 0; i < paths.size(); ++i) {
    if (!is_choice(findings, paths[i])) continue;
    std::map<std::string, std::vector<Choice>> choices; // by where all else is the same
    std::vector<std::string> places;                    // in the order of the sweep file
    for (const Series& series : all) {
      const Findings::Point& point = *series.points.back();
      const Findings::Operation* found = point.find(operation);
      if (!found) continue;
      std::string place =
          operation + (main ? ' ' + at_value(findings.axes[*main].path, point.values[*main]) : "");
      for (std::size_t k = 0; k < paths.size(); ++k)
        if (k != i) place += ", " + paths[k] + '=' + series.labels[k];
      if (choices[place].empty()) places.push_back(place);
      choices[place].push_back({series.labels[i], found});
    }
    for (const std::string& place : places)
      for (const std::string& sentence : against_the_fastest(choices[place]))
        result.push_back(place + ": " + sentence);
  }
  return result;
}

} // namespace mmsim
