#include "cli/host/measurement.hpp"

#include <algorithm>
#include <cmath>
#include <exception>
#include <utility>

namespace mmsim::host {
namespace {

/// The value at the fraction `place` of sorted samples, in a straight line between neighbours.
double at_fraction(const std::vector<double>& sorted, double place) {
  const double position = place * double(sorted.size() - 1);
  const auto below = std::size_t(position);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (position - double(below)) * (sorted[above] - sorted[below]);
}

/// How many samples lie outside of the 95 % interval of the median at each end: the largest k with
/// P(Binomial(n, 1/2) < k) <= 2.5 %, or 0 if there is none.
std::size_t outside_interval(std::size_t n) {
  if (n > 50) return std::size_t((double(n) - 1.96 * std::sqrt(double(n))) / 2);
  double term = std::pow(0.5, double(n)), sum = term;
  std::size_t k = 0;
  while (sum <= 0.025) {
    ++k;
    term *= double(n - k + 1) / double(k);
    sum += term;
  }
  return k;
}

/// A thread or memory that is not to be had costs this sample, not all of them.
double sample_of(const Trial& trial) {
  try {
    return trial.once();
  } catch (const std::exception&) {
    return no_sample;
  }
}

} // namespace

Measurement measurement_of(std::string name, std::vector<double> samples, std::string how, std::string unit) {
  Measurement result;
  result.name = std::move(name);
  result.unit = std::move(unit);
  result.how = std::move(how);
  std::erase_if(samples, [](double sample) { return !std::isfinite(sample); });
  if (samples.empty()) return result;
  std::ranges::sort(samples);
  result.repetitions = samples.size();
  result.median = at_fraction(samples, 0.5);
  const std::size_t outside = std::max<std::size_t>(outside_interval(samples.size()), 1) - 1;
  result.low = samples[outside];
  result.high = samples[samples.size() - 1 - outside];
  if (result.median != 0)
    result.spread = (at_fraction(samples, 0.75) - at_fraction(samples, 0.25)) / std::abs(result.median);
  return result;
}

Measurement scaled(Measurement measurement, double factor) {
  measurement.median *= factor;
  measurement.low *= factor;
  measurement.high *= factor;
  return measurement;
}

std::vector<Measurement> interleaved(const std::vector<Trial>& trials, const Budget& budget,
                                     Repetitions repetitions) {
  std::vector<std::vector<double>> samples(trials.size());
  for (const Trial& trial : trials)
    sample_of(trial);
  for (std::size_t round = 0; round < repetitions.most; ++round) {
    if (round >= repetitions.least && budget.over()) break;
    for (std::size_t i = 0; i < trials.size(); ++i)
      samples[i].push_back(sample_of(trials[i]));
  }
  std::vector<Measurement> result;
  for (std::size_t i = 0; i < trials.size(); ++i)
    result.push_back(measurement_of(trials[i].name, std::move(samples[i]), trials[i].how, trials[i].unit));
  return result;
}

} // namespace mmsim::host
