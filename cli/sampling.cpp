#include "cli/sampling.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <utility>

#include "sim/engine/random.hpp"

namespace mmsim {
namespace {

constexpr std::size_t enough = std::size_t(1) << 40; ///< products and common multiples stop growing here

std::size_t product(std::size_t a, std::size_t b) { return b > enough / a ? enough : a * b; }

std::size_t common_multiple(std::size_t a, std::size_t b) { return product(a / std::gcd(a, b), b); }

std::vector<std::size_t> shuffled(std::size_t count, RandomStream& random) {
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), 0);
  for (std::size_t i = count; i > 1; --i)
    std::swap(order[i - 1], order[random.below(i)]);
  return order;
}

/// Points whose every prefix uses the strata of each axis equally often, one more or less, and of which the
/// first as many as the product has are different. Axis by axis: what was built so far goes round and round,
/// and the new axis goes round in step, moved on by one whenever both would begin together again.
std::vector<DrawnPoint> balanced(const std::vector<SampledAxis>& axes, std::size_t count) {
  std::vector<DrawnPoint> points(count, DrawnPoint(axes.size()));
  std::size_t before = 1; // the points of the axes so far
  for (std::size_t a = 0; a < axes.size(); ++a) {
    const std::size_t strata = axes[a].value_of.size();
    const std::size_t period = product(before, strata), together = common_multiple(before, strata);
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t in_period = i % period;
      points[i][a] = (in_period + in_period / together) % strata;
    }
    before = period;
  }
  return points;
}

/// Exchanges strata of an axis between points, which keeps them in balance, never making more points alike.
class Mixer {
 public:
  Mixer(const std::vector<SampledAxis>& axes, std::vector<DrawnPoint>& points)
      : axes_(axes), points_(points) {
    for (const DrawnPoint& point : points_)
      ++times_[values_of(point)];
  }

  std::size_t different() const { return times_.size(); }

  void exchange(std::size_t axis, std::size_t one, std::size_t other) {
    if (points_[one][axis] == points_[other][axis]) return;
    const std::size_t before = different();
    swap(axis, one, other);
    if (different() < before) swap(axis, one, other);
  }

  DrawnPoint values_of(const DrawnPoint& point) const {
    DrawnPoint values(point.size());
    for (std::size_t a = 0; a < point.size(); ++a)
      values[a] = axes_[a].value_of[point[a]];
    return values;
  }

 private:
  void swap(std::size_t axis, std::size_t one, std::size_t other) {
    for (const std::size_t each : {one, other}) {
      const auto found = times_.find(values_of(points_[each]));
      if (--found->second == 0) times_.erase(found);
    }
    std::swap(points_[one][axis], points_[other][axis]);
    for (const std::size_t each : {one, other})
      ++times_[values_of(points_[each])];
  }

  const std::vector<SampledAxis>& axes_;
  std::vector<DrawnPoint>& points_;
  std::map<DrawnPoint, std::size_t> times_;
};

} // namespace

std::vector<DrawnPoint> latin_hypercube(const std::vector<SampledAxis>& axes, std::size_t count,
                                        std::uint64_t seed) {
  RandomStream random(seed, "sweep.sample");
  std::vector<DrawnPoint> points = balanced(axes, count);
  for (std::size_t a = 0; a < axes.size(); ++a) {
    const std::vector<std::size_t> order = shuffled(axes[a].value_of.size(), random);
    for (DrawnPoint& point : points)
      point[a] = order[point[a]];
  }
  Mixer mixer(axes, points);
  // Four rounds leave hardly a point in the order that balanced() gave it. If ranges made points alike, some
  // more rounds pull them apart.
  for (int round = 0; round < 50 && (round < 4 || mixer.different() < count); ++round)
    for (std::size_t a = 0; a < axes.size(); ++a)
      for (std::size_t i = 0; i < count; ++i)
        mixer.exchange(a, i, random.below(count));
  if (mixer.different() < count) return {};

  for (DrawnPoint& point : points)
    point = mixer.values_of(point);
  std::ranges::sort(points);
  return points;
}

std::vector<DrawnPoint> random_points(const std::vector<SampledAxis>& axes, std::size_t count,
                                      std::uint64_t seed) {
  RandomStream random(seed, "sweep.sample");
  std::size_t all = 1;
  for (const SampledAxis& axis : axes)
    all = product(all, axis.value_of.size());
  const bool ranges = std::ranges::any_of(axes, &SampledAxis::is_range);
  std::set<DrawnPoint> points;
  if (!ranges && all < 2 * count) { // most would be drawn again and again
    std::vector<std::size_t> order = shuffled(all, random);
    for (std::size_t i = 0; i < std::min(count, all); ++i) {
      DrawnPoint point(axes.size());
      for (std::size_t a = axes.size(), rest = order[i]; a-- > 0; rest /= axes[a].value_of.size())
        point[a] = axes[a].value_of[rest % axes[a].value_of.size()];
      points.insert(std::move(point));
    }
  }
  std::vector<std::vector<std::size_t>> draws; // of a range: point by point, in no order
  for (const SampledAxis& axis : axes)
    draws.push_back(axis.is_range ? shuffled(count, random) : std::vector<std::size_t>{});
  const auto stratum = [&](std::size_t a, std::size_t attempt) {
    if (axes[a].is_range && attempt < 10) return draws[a][points.size()];
    return std::size_t(random.below(axes[a].value_of.size()));
  };
  constexpr std::size_t most_attempts = 1000;
  for (std::size_t attempt = 0; points.size() < count && attempt < most_attempts; ++attempt) {
    DrawnPoint point(axes.size());
    for (std::size_t a = 0; a < axes.size(); ++a)
      point[a] = axes[a].value_of[stratum(a, attempt)];
    if (points.insert(std::move(point)).second) attempt = std::size_t(-1); // ++: the next point begins at 0
  }
  if (points.size() < count) return {};
  return {points.begin(), points.end()};
}

} // namespace mmsim
