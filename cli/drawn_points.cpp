#include "cli/drawn_points.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "cli/sampling.hpp"
#include "sim/engine/parameter.hpp"
#include "sim/engine/random.hpp"

namespace mmsim {
namespace {

/// In [0, 1).
double part_of(RandomStream& random) { return double(random.below(std::uint64_t(1) << 53)) / 0x1p53; }

AxisRange range_of(const Axis& axis) {
  for (const ParameterInfo& info : ParameterCatalogue::instance().parameters())
    if (info.path == axis.path) return {info, *axis.range};
  throw InputError("the axis " + axis.path + ": a name has no range; write a list of values", axis.origin);
}

/// Gives a range its values, one a stratum, those that come out alike once.
SampledAxis values_of_range(Axis& axis, const Sampling& sampling) {
  const auto count = std::size_t(sampling.points);
  const AxisRange range = range_of(axis);
  SampledAxis sampled;
  axis.values = range.all(count);
  if (!axis.values.empty()) { // few whole numbers: a list that need not be written out
    for (std::size_t i = 0; i < axis.values.size(); ++i)
      sampled.value_of.push_back(i);
  } else {
    RandomStream random(std::uint64_t(sampling.seed), "sweep.sample." + axis.path);
    std::vector<double> parts(count);
    for (double& part : parts)
      part = part_of(random);
    if (sampling.method == "random")
      std::ranges::sort(parts);
    else
      for (std::size_t stratum = 0; stratum < count; ++stratum)
        parts[stratum] = (double(stratum) + parts[stratum]) / double(count);
    for (const double part : parts) {
      Value value = range.at(part);
      if (axis.values.empty() || axis.values.back() != value) axis.values.push_back(std::move(value));
      sampled.value_of.push_back(axis.values.size() - 1);
    }
    sampled.is_range = true;
  }
  axis.origins.assign(axis.values.size(), axis.range->from_origin);
  return sampled;
}

SampledAxis sampled_axis(Axis& axis, const Sampling& sampling) {
  if (axis.range) return values_of_range(axis, sampling);
  SampledAxis sampled;
  for (std::size_t i = 0; i < axis.values.size(); ++i)
    sampled.value_of.push_back(i);
  return sampled;
}

void keep_drawn_values(Axis& axis, const std::vector<SweepPoint>& points, std::size_t place) {
  std::vector<Value> values;
  std::vector<Origin> origins;
  for (std::size_t i = 0; i < axis.values.size(); ++i) {
    if (std::ranges::none_of(points,
                             [&](const SweepPoint& point) { return point.values[place] == axis.values[i]; }))
      continue;
    values.push_back(axis.values[i]);
    origins.push_back(axis.origins[i]);
  }
  axis.values = std::move(values);
  axis.origins = std::move(origins);
}

} // namespace

void draw_points(SweepPlan& plan) {
  const Sampling& sampling = *plan.sampling;
  if (plan.axes.empty())
    throw InputError("sweep.sample needs sweep.axes, the lists or ranges to draw from", sampling.origin);
  const auto count = std::size_t(sampling.points);
  std::size_t all = 1; // counted only until it is more than enough
  bool ranges = false;
  std::vector<SampledAxis> axes;
  for (Axis& axis : plan.axes) {
    axes.push_back(sampled_axis(axis, sampling));
    ranges = ranges || axes.back().is_range;
    if (all <= count) all *= axis.values.size();
  }
  if (!ranges && count >= all) {
    if (count > all)
      plan.notes.push_back("sweep.sample: the axes have only " + std::to_string(all) +
                           " points, fewer than " + std::to_string(count) + "; all of them are taken");
    plan.sampling.reset();
    return;
  }

  const auto drawn = sampling.method == "random" ? random_points(axes, count, std::uint64_t(sampling.seed))
                                                 : latin_hypercube(axes, count, std::uint64_t(sampling.seed));
  if (drawn.empty())
    throw InputError("sweep.sample: the ranges have too few different values for " + std::to_string(count) +
                         " different points; ask for fewer, or widen a range",
                     sampling.origin);
  for (std::size_t i = 0; i < drawn.size(); ++i) {
    SweepPoint& point = plan.drawn.emplace_back();
    point.index = i;
    for (std::size_t a = 0; a < plan.axes.size(); ++a)
      point.values.push_back(plan.axes[a].values[drawn[i][a]]);
  }
  for (std::size_t a = 0; a < plan.axes.size(); ++a)
    keep_drawn_values(plan.axes[a], plan.drawn, a);
}

} // namespace mmsim
