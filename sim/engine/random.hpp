// Randomness: each consumer has a stream of its own, named, so that one more draw here changes nothing there.
//
// Boost.Random and not <random>: its distributions give the same values with every compiler and library.
#pragma once

#include "sim/engine/time.hpp"

#include <boost/random/exponential_distribution.hpp>
#include <boost/random/mersenne_twister.hpp>
#include <boost/random/uniform_int_distribution.hpp>
#include <cmath>
#include <cstdint>
#include <string_view>

namespace mmsim {

class RandomStream {
 public:
  /// The stream `name` of the run with this seed: the same two give the same numbers.
  RandomStream(std::uint64_t seed, std::string_view name) : bits_(mix(seed, name)) {}

  /// A whole number in [0, bound). `bound` must not be 0.
  std::uint64_t below(std::uint64_t bound) {
    return boost::random::uniform_int_distribution<std::uint64_t>(0, bound - 1)(bits_);
  }
  /// A duration in [0, bound), or 0 if the bound is 0.
  Duration below(Duration bound) {
    return bound.count() <= 0 ? Duration{}
                              : Duration(static_cast<std::int64_t>(below(std::uint64_t(bound.count()))));
  }
  /// Exponentially distributed with this mean.
  Duration exponential(Duration mean) {
    const double drawn = boost::random::exponential_distribution<double>(1.0)(bits_);
    return Duration(static_cast<std::int64_t>(std::llround(drawn * static_cast<double>(mean.count()))));
  }

 private:
  static std::uint64_t mix(std::uint64_t seed, std::string_view name) {
    std::uint64_t hash = 0xcbf29ce484222325ULL; // FNV-1a
    for (const char c : name)
      hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
    hash ^= seed * 0x9e3779b97f4a7c15ULL;
    hash = (hash ^ hash >> 31) * 0x94d049bb133111ebULL; // so that neighbouring seeds start far apart
    return hash ^ hash >> 29;
  }
  boost::random::mt19937_64 bits_;
};

} // namespace mmsim
