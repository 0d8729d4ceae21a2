#pragma once
// Batch means, and the confidence interval that they give.
//
// Latencies that follow each other are correlated (a queue that is long stays long), so they cannot be
// treated as independent samples; means of long batches nearly can. Batches are blocks of equal *counts* in
// order of completion, one rule for runs bounded by time and by operations: 40 sums of `size` values each;
// when the 40th is full, neighbours are added pairwise and `size` doubles. So there are 20 to 39 full batches
// once 20 values are recorded, whatever the length of the run, in O(1) memory, and one open batch.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "sim/engine/time.hpp"

namespace mmsim {

class BatchMeans {
 public:
  static constexpr std::size_t capacity = 40;

  /// Plain state; `sums[0 .. full)` hold `size` values each, `open_sum` the `open_count` < `size` latest
  /// ones.
  struct State {
    std::uint64_t size = 1;
    std::size_t full = 0;
    std::array<std::int64_t, capacity> sums{};
    std::int64_t open_sum = 0;
    std::uint64_t open_count = 0;
    bool operator==(const State&) const = default;
  };

  BatchMeans() = default;
  /// Throws std::invalid_argument if the state is not one that record() can reach.
  explicit BatchMeans(const State& state);

  void record(Duration value) {
    state_.open_sum += value.count();
    if (++state_.open_count == state_.size) close_batch();
  }

  /// Adds neighbours pairwise until batches have at least `size` values (a power of two); an odd one out is
  /// dropped into the open batch.
  void coarsen(std::uint64_t size);

  const State& state() const { return state_; }
  std::uint64_t size() const { return state_.size; }
  std::span<const std::int64_t> sums() const { return {state_.sums.data(), state_.full}; }
  bool operator==(const BatchMeans&) const = default;

 private:
  void close_batch();

  State state_;
};

/// Half-width of the 95 % confidence interval of the mean in ps, from the batches of one or several seeds.
///
/// All seeds are coarsened to the largest batch size among them; open batches are left out (the mean itself
/// includes them). With M batch means y_sj over S seeds that have one, m_s in seed s:
///
///   SSB = sum_s m_s (y_s. - y..)^2        SSW = sum_s sum_j (y_sj - y_s.)^2
///
///   pooled:    t(0.975, M - 1) * sqrt((SSB + SSW) / (M - 1) / M)
///   by seeds:  t(0.975, S - 1) * sqrt(SSB / (S - 1) / M)
///
/// Pooled takes all batches as one sample; it is right if seeds differ by no more than batches do. By seeds
/// is right also if each seed settles in a state of its own. It is used when batches within seeds say nothing
/// (M = S) or when the F test finds the seeds different at the level 0.25, usual for a decision to pool
/// (Bancroft 1964): (SSB / (S - 1)) / (SSW / (M - S)) > F(0.75; S - 1, M - S). Nothing if there are fewer
/// than two batches.
std::optional<double> ci95_half_width(std::span<const BatchMeans> seeds);

} // namespace mmsim
