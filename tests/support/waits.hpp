// For whom operations have waited, in runs in child processes.
#pragma once

#include "tests/support/points.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace mmsim::tests {

/// What one execution of an operation took, and how much of it was for those whom somebody asks for; means, in ns.
struct Waited {
  double latency = 0, named = 0;
};

/// Of `operation` in a short run of a point, as point() makes it.
inline Waited waited(std::vector<std::string> overrides, const std::string& operation,
                     const std::function<bool(const WaitTotal&)>& named) {
  overrides.insert(overrides.begin(), {"run.warmup=50 us", "run.duration=500 us", "machine.memory=256 MiB"});
  const std::vector<std::int64_t> sums = in_child([&] {
    const PointResult result = run_point(load_configuration({}, overrides));
    if (result.status != PointStatus::done) throw std::runtime_error(result.message);
    for (const OperationResult& one : result.operations) {
      if (one.name != operation) continue;
      Duration for_them{};
      for (const WaitTotal& wait : one.waits)
        if (named(wait)) for_them += wait.total;
      return std::vector<std::int64_t>{static_cast<std::int64_t>(one.latency.count()),
                                       one.latency.sum().count(), for_them.count()};
    }
    throw std::runtime_error("no operation " + operation);
  });
  const double each = 1e-3 / static_cast<double>(sums[0]);
  return {each * static_cast<double>(sums[1]), each * static_cast<double>(sums[2])};
}

} // namespace mmsim::tests
