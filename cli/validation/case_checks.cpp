#include "cli/validation/case_checks.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "cli/point_check.hpp"
#include "cli/readable.hpp"
#include "cli/validation/comparison.hpp"
#include "sim/engine/nearest_name.hpp"
#include "sim/engine/parameter.hpp"

namespace mmsim::validation {
namespace {

void check_each_point(const Case& one) {
  const CasePoint* as_written = nullptr; // the one point that may be [model] itself
  for (auto point = one.points.begin(); point != one.points.end(); ++point) {
    for (auto earlier = one.points.begin(); earlier != point; ++earlier)
      if (same_x(earlier->x, point->x))
        throw InputError("x = " + to_text(point->x) + " stands there twice, also at " +
                             to_text(earlier->origin),
                         point->origin);
    if (one.axis.empty() && point->set.entries().empty()) {
      if (as_written)
        throw InputError(
            "the point x = " + to_text(point->x) + " sets nothing, as that at " +
                to_text(as_written->origin) +
                ": both would be the same run; the case needs an axis, the path that gets x, or " +
                "the point a set",
            point->origin);
      as_written = &*point;
    }
    const bool divides = one.compare == Compare::absolute || one.compare == Compare::relative;
    if (divides && point->y == 0)
      throw InputError("y is 0, of which no error is a part; compare as trend, or leave the point out",
                       point->origin);
  }
}

void check_base(const Case& one, const Origin& points) {
  const auto is_base = [&](const CasePoint& point) { return same_x(point.x, *one.base); };
  if (!one.base || std::ranges::any_of(one.points, is_base)) return;
  std::vector<std::string> labels;
  for (const CasePoint& point : one.points)
    labels.push_back(to_text(point.x));
  const std::string base = to_text(*one.base);
  throw InputError("base = " + base + " is the x of no point; nearest is " + nearest_name(base, labels),
                   points);
}

/// Whether the published curve crosses the level, and where, must be a question with an answer.
void check_crossing(const Case& one, const Origin& points) {
  const CasePoint* before = nullptr;
  std::vector<std::pair<double, double>> curve;
  for (const CasePoint& point : one.points) {
    const auto x = number_of(point.x);
    if (!x)
      throw InputError("x = " + to_text(point.x) + " is no number: a curve crosses at one", point.origin);
    if (before && *number_of(before->x) >= *x)
      throw InputError("x = " + to_text(point.x) + " is not larger than the one before", point.origin);
    before = &point;
    curve.emplace_back(*x, point.y);
  }
  const auto place = crossing(curve, one.level);
  if (!place || *place == 0)
    throw InputError("the published curve does not cross the level " + to_text(Value(one.level)) +
                         (place ? " but at 0" : ""),
                     points);
}

void check_steps(const Case& one, const Origin& points) {
  for (std::size_t i = 1; i < one.points.size(); ++i)
    if (!one.given(one.points[i]) && is_step(one.points[i - 1].y, one.points[i].y, one.step)) return;
  throw InputError("a trend needs a published step of at least " + to_text(Value(one.step)) +
                       " (step) to a predicted point; no two neighbours differ that much",
                   points);
}

} // namespace

void check_points(const Case& one, const Origin& points) {
  if (one.points.empty()) throw InputError("points is empty: a case needs what was published", points);
  check_each_point(one);
  check_base(one, points);
  if (std::ranges::all_of(one.points, [&](const CasePoint& point) { return one.given(point); }))
    throw InputError("no point is predicted: all are calibrated or the base, which shows nothing", points);
  if (one.compare == Compare::crossover) check_crossing(one, points);
  if (one.compare == Compare::trend) check_steps(one, points);
}

void check_free(const Case& one, const Origin& free) {
  const auto calibrated = std::size_t(std::ranges::count(one.points, true, &CasePoint::calibrated));
  if (one.free.size() > calibrated)
    throw InputError("free has " + plural(one.free.size(), "parameter") + ", but only " +
                         plural(calibrated, "point") + (calibrated == 1 ? " is" : " are") +
                         " calibrated: mark those that fixed them, or take numbers from elsewhere",
                     free);
  const std::string scenario = chosen_scenario(one.model);
  std::set<std::string> seen;
  for (const std::string& path : one.free) {
    if (!seen.insert(path).second) throw InputError("free has \"" + path + "\" twice", free);
    if (ParameterCatalogue::instance().find(path, scenario)) continue;
    std::vector<std::string> known;
    for (const ParameterInfo& each : ParameterCatalogue::instance().parameters_of(scenario))
      known.push_back(each.path);
    throw InputError("free: there is no parameter \"" + path + '"' + did_you_mean(path, known), free);
  }
}

void check_configurations(const Case& one) {
  for (const CasePoint& point : one.points)
    for (const bool of_against : {false, true}) {
      if (of_against && !one.against) continue;
      const Configuration configuration = one.configuration(point, of_against);
      check_configuration(configuration);
      check_point(configuration);
    }
}

} // namespace mmsim::validation
