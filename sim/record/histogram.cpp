#include "sim/record/histogram.hpp"

#include <algorithm>
#include <bit>
#include <stdexcept>
#include <string>

namespace mmsim {
namespace {

// For 64-bit counts times 64-bit widths. ISO C++ has no such type, hence the mark.
__extension__ typedef unsigned __int128 Wide;

constexpr std::uint64_t sub_buckets = std::uint64_t(1) << Histogram::sub_bucket_bits;

constexpr std::uint32_t bucket_of(std::uint64_t value) { return Histogram::bucket_of(value); }

constexpr std::uint32_t bucket_count = bucket_of(INT64_MAX) + 1;

struct Range {
  std::uint64_t low, width;
};

constexpr Range range_of(std::uint32_t bucket) {
  if (bucket < 2 * sub_buckets) return {bucket, 1};
  const std::uint64_t shift = bucket / sub_buckets - 1;
  return {(bucket - shift * sub_buckets) << shift, std::uint64_t(1) << shift};
}

static_assert(bucket_of(0) == 0 && bucket_of(127) == 127 && bucket_of(128) == 128 && bucket_of(255) == 255);
static_assert(bucket_of(256) == 256 && bucket_of(257) == 256 && bucket_of(258) == 257);
static_assert(range_of(257).low == 258 && range_of(257).width == 2);
static_assert(range_of(bucket_of(INT64_MAX)).low + range_of(bucket_of(INT64_MAX)).width - 1 == INT64_MAX);

std::int64_t checked_sum(std::int64_t a, std::int64_t b) {
  std::int64_t sum;
  if (__builtin_add_overflow(a, b, &sum)) [[unlikely]]
    throw std::overflow_error("histogram: the sum of values exceeds 2^63 ps");
  return sum;
}

} // namespace

Histogram::Histogram() : counts_(bucket_count) {}

void Histogram::refuse(std::int64_t value) const {
  if (value < 0) throw std::logic_error("histogram: a negative duration of " + std::to_string(value) + " ps");
  throw std::overflow_error("histogram: the sum of values exceeds 2^63 ps");
}

void Histogram::merge(const Histogram& other) {
  sum_ = checked_sum(sum_, other.sum_);
  for (std::uint32_t i = 0; i < bucket_count; ++i)
    counts_[i] += other.counts_[i];
  count_ += other.count_;
  min_ = std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
}

Duration Histogram::quantile(std::uint64_t numerator, std::uint64_t denominator) const {
  if (denominator == 0 || numerator > denominator)
    throw std::invalid_argument("histogram: there is no quantile " + std::to_string(numerator) + "/" +
                                std::to_string(denominator));
  if (count_ == 0) return Duration(0);
  const std::uint64_t rank = std::uint64_t((Wide(count_) * numerator + denominator - 1) / denominator);
  if (rank <= 1) return Duration(min_);
  if (rank == count_) return Duration(max_);

  std::uint64_t below = 0;
  std::uint32_t bucket = bucket_of(std::uint64_t(min_));
  while (below + counts_[bucket] < rank)
    below += counts_[bucket++];
  const auto [low, width] = range_of(bucket);
  const std::uint64_t k = rank - below;
  const std::uint64_t offset = std::uint64_t(Wide(width) * (2 * k - 1) / (2 * Wide(counts_[bucket])));
  return Duration(std::clamp(std::int64_t(low + offset), min_, max_));
}

std::vector<Histogram::Bucket> Histogram::buckets() const {
  std::vector<Bucket> filled;
  for (std::uint32_t i = 0; i < bucket_count; ++i)
    if (counts_[i]) filled.push_back({i, counts_[i]});
  return filled;
}

std::vector<Histogram::Interval> Histogram::intervals(int bits) const {
  std::vector<Interval> filled;
  for (const Bucket& bucket : buckets()) {
    const std::uint64_t low = range_of(bucket.index).low;
    const int shift = std::max(0, int(std::bit_width(low)) - (bits + 1));
    const std::uint64_t wide_low = low >> shift << shift;
    if (filled.empty() || filled.back().low != wide_low)
      filled.push_back({wide_low, wide_low + (std::uint64_t(1) << shift), 0});
    filled.back().count += bucket.count;
  }
  return filled;
}

Histogram Histogram::restore(std::span<const Bucket> buckets, Duration min, Duration max, Duration sum) {
  Histogram restored;
  for (const auto& [bucket, count] : buckets) {
    if (bucket >= bucket_count || count == 0 || restored.counts_[bucket] != 0)
      throw std::invalid_argument("histogram: bucket " + std::to_string(bucket) + " with count " +
                                  std::to_string(count) + " is out of range, empty or comes twice");
    restored.counts_[bucket] = count;
    restored.count_ += count;
  }
  if (restored.count_ == 0) {
    if (min.count() || max.count() || sum.count())
      throw std::invalid_argument("histogram: without values, min, max and sum must be 0");
    return restored;
  }
  const auto first = std::uint32_t(
      std::find_if(restored.counts_.begin(), restored.counts_.end(), [](std::uint64_t n) { return n != 0; }) -
      restored.counts_.begin());
  const auto last =
      std::uint32_t(restored.counts_.rend() - std::find_if(restored.counts_.rbegin(), restored.counts_.rend(),
                                                           [](std::uint64_t n) { return n != 0; })) -
      1;
  if (min.count() < 0 || min > max || bucket_of(std::uint64_t(min.count())) != first ||
      bucket_of(std::uint64_t(max.count())) != last || sum < max)
    throw std::invalid_argument("histogram: min " + std::to_string(min.count()) + " ps, max " +
                                std::to_string(max.count()) + " ps or sum " + std::to_string(sum.count()) +
                                " ps contradicts the buckets");
  restored.min_ = min.count();
  restored.max_ = max.count();
  restored.sum_ = sum.count();
  return restored;
}

} // namespace mmsim
