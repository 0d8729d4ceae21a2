#pragma once
// A log-linear histogram of durations (the layout of HdrHistogram), in integer picoseconds.
//
// Values below 256 ps have a bucket each; above, every power of two is cut in 128 buckets, so a bucket is at
// most 1/128 of its values wide. record() is O(1) and allocates nothing. Merging histograms adds their
// buckets: the order does not matter and the result is the histogram of all values.
//
// min, max, count and sum are exact. The sum is an int64 like every Duration: 2^63 ps are 106 days of latency
// summed over all operations, and a run ends at 4e12 ns (4,000 s) of simulated time (ENGINE.md). Overflow
// throws.

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "sim/engine/time.hpp"

namespace mmsim {

class Histogram {
 public:
  static constexpr int sub_bucket_bits = 7;

  struct Bucket {
    std::uint32_t index;
    std::uint64_t count;
    bool operator==(const Bucket&) const = default;
  };

  Histogram();

  /// The index of the value's bucket. Values with bit_width <= 7 are their own index. Else the value's top 8 bits
  /// (128..255 after the shift) say the bucket in its octave.
  static constexpr std::uint32_t bucket_of(std::uint64_t value) {
    const int shift = std::max(0, int(std::bit_width(value)) - (sub_bucket_bits + 1));
    return std::uint32_t((std::uint64_t(shift) << sub_bucket_bits) + (value >> shift));
  }

  /// Throws std::logic_error on a negative value.
  void record(Duration duration) {
    const std::int64_t value = duration.count();
    std::int64_t sum;
    if (value < 0 || __builtin_add_overflow(sum_, value, &sum)) [[unlikely]]
      refuse(value);
    sum_ = sum;
    counts_[bucket_of(std::uint64_t(value))] += 1;
    count_ += 1;
    min_ = std::min(min_, value);
    max_ = std::max(max_, value);
  }
  void merge(const Histogram& other);

  std::uint64_t count() const { return count_; }
  Duration sum() const { return Duration(sum_); }
  Duration min() const { return Duration(count_ ? min_ : 0); } ///< 0 when empty
  Duration max() const { return Duration(max_); }              ///< 0 when empty

  /// The value of rank ceil(count * numerator / denominator) (nearest rank, at least 1) in sorted order;
  /// p99.9 is quantile(999, 1000). Rank 1 and rank `count` are exact. Else the c values of the rank's bucket
  /// are taken as spread evenly: the k-th (from 1) lies at low + width * (2k - 1) / (2c), rounded down, and
  /// is kept within [min, max]. So the answer is in the same bucket as the true value: off by less than 1/128
  /// of it, and exact if all values are equal. Empty: 0.
  Duration quantile(std::uint64_t numerator, std::uint64_t denominator) const;
  Duration percentile(unsigned percent) const { return quantile(percent, 100); }

  /// The buckets that are not empty, in increasing order; with min, max and sum they are the whole state.
  std::vector<Bucket> buckets() const;
  /// Values v with low <= v < high, in ps.
  struct Interval {
    std::uint64_t low, high, count;
    bool operator==(const Interval&) const = default;
  };
  /// The same values in wider buckets: 2^bits an octave, at most 2^7, and one for each value below
  /// 2^(bits + 1). Those that are not empty, in increasing order.
  std::vector<Interval> intervals(int bits) const;
  /// The inverse of buckets(). Throws std::invalid_argument if the parts contradict each other.
  static Histogram restore(std::span<const Bucket> buckets, Duration min, Duration max, Duration sum);

  bool operator==(const Histogram&) const = default;

 private:
  [[noreturn, gnu::cold]] void refuse(std::int64_t value) const;

  std::vector<std::uint64_t> counts_; // of fixed size: every int64 has its bucket
  std::uint64_t count_ = 0;
  std::int64_t sum_ = 0, min_ = INT64_MAX, max_ = 0;
};

} // namespace mmsim
