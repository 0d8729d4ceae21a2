#include "sim/record/batch_means.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <stdexcept>
#include <vector>

#include <boost/math/distributions/fisher_f.hpp>
#include <boost/math/distributions/students_t.hpp>

namespace mmsim {

BatchMeans::BatchMeans(const State& state) : state_(state) {
  const bool reachable = std::has_single_bit(state.size) && state.full < capacity &&
                         state.open_count < state.size && (state.open_count > 0 || state.open_sum == 0) &&
                         std::all_of(state.sums.begin() + std::ptrdiff_t(state.full), state.sums.end(),
                                     [](std::int64_t sum) { return sum == 0; });
  if (!reachable) throw std::invalid_argument("batch means: impossible state");
}

void BatchMeans::close_batch() {
  state_.sums[state_.full++] = state_.open_sum;
  state_.open_sum = 0;
  state_.open_count = 0;
  if (state_.full == capacity) coarsen(2 * state_.size);
}

void BatchMeans::coarsen(std::uint64_t size) {
  while (state_.size < size) {
    if (state_.full % 2) { // the last one is the open batch's elder neighbour
      state_.open_sum += state_.sums[--state_.full];
      state_.open_count += state_.size;
    }
    for (std::size_t i = 0; i < state_.full / 2; ++i)
      state_.sums[i] = state_.sums[2 * i] + state_.sums[2 * i + 1];
    state_.full /= 2;
    std::fill(state_.sums.begin() + std::ptrdiff_t(state_.full), state_.sums.end(), 0);
    state_.size *= 2;
  }
}

std::optional<double> ci95_half_width(std::span<const BatchMeans> seeds) {
  std::uint64_t size = 1;
  for (const BatchMeans& seed : seeds)
    size = std::max(size, seed.size());

  std::vector<std::vector<double>> means; // by seed
  double sum = 0;
  std::size_t batches = 0;
  for (BatchMeans seed : seeds) {
    seed.coarsen(size);
    if (seed.sums().empty()) continue;
    std::vector<double>& of_seed = means.emplace_back();
    for (const std::int64_t batch : seed.sums()) {
      of_seed.push_back(double(batch) / double(size));
      sum += of_seed.back();
    }
    batches += of_seed.size();
  }
  if (batches < 2) return {};

  const double grand_mean = sum / double(batches);
  double between = 0, within = 0;
  for (const std::vector<double>& of_seed : means) {
    double seed_sum = 0;
    for (const double mean : of_seed)
      seed_sum += mean;
    const double seed_mean = seed_sum / double(of_seed.size());
    between += double(of_seed.size()) * (seed_mean - grand_mean) * (seed_mean - grand_mean);
    for (const double mean : of_seed)
      within += (mean - seed_mean) * (mean - seed_mean);
  }

  const auto half_width = [&](double squares, std::size_t freedom) {
    const double t = boost::math::quantile(boost::math::students_t(double(freedom)), 0.975);
    return t * std::sqrt(squares / double(freedom) / double(batches));
  };
  const std::size_t between_freedom = means.size() - 1, within_freedom = batches - means.size();
  if (between_freedom > 0) {
    const bool seeds_differ =
        within_freedom == 0 ||
        between / double(between_freedom) >
            within / double(within_freedom) *
                boost::math::quantile(boost::math::fisher_f(double(between_freedom), double(within_freedom)),
                                      0.75);
    if (seeds_differ) return half_width(between, between_freedom);
  }
  return half_width(between + within, batches - 1);
}

} // namespace mmsim
