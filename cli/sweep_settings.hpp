// The keys of [sweep] beside the axes.
//
//   seeds = 3                       # runs of each point, with the seeds run.seed, run.seed + 1, ...
//
//   sample = 200                    # so many points, not the whole product
//   sampling = "latin_hypercube"    # each value of an axis equally often, the default; or "random"
//   sample_seed = 1                 # another one draws other points
//
//   ci = 0.05                       # more seeds, until the 95 % interval of a mean latency is within +-5 %,
//   max_seeds = 20                  # but no more than so many,
//   ci_operations = ["munmap"]      # for these, or every operation that completed. `seeds` is the least then,
//                                   # and 2 if it is not set
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/engine/configuration.hpp"

namespace mmsim {

struct Sampling {
  std::int64_t points = 0;
  std::string method = "latin_hypercube"; ///< or "random"
  std::int64_t seed = 1;
  Origin origin; ///< of sweep.sample
};

/// When a point has seeds enough.
struct SeedRule {
  double ci = 0; ///< half of the 95 % interval, as a part of the mean
  std::int64_t max_seeds = 20;
  std::vector<std::string> operations; ///< empty: every one that completed
  Origin operations_origin;
};

struct SweepSettings {
  std::int64_t seeds = 1;            ///< the least, with a seed rule
  std::optional<Sampling> sampling;  ///< without: the whole product
  std::optional<SeedRule> seed_rule; ///< without: `seeds` and no more
};

/// A key as it was written.
struct WrittenSetting {
  std::vector<Value> values; ///< more than one: it was a list
  Origin origin;
};

/// `written` by full path, "sweep.seeds". Throws InputError with the origin for unknown keys, wrong values
/// and keys that need another.
SweepSettings read_sweep_settings(const std::map<std::string, WrittenSetting>& written);

} // namespace mmsim
