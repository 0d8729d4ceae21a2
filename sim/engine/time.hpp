// Simulated time: integer picoseconds, the only authority on when something happens.
//
//   Instant wake = engine.now() + costs.handler;      // an instant plus a duration is an instant
//   Duration late = engine.now() - wake;              // two instants differ by a duration
//
// 63 bits of picoseconds last 106 days. SimGrid's clock is a double that counts nanoseconds (one SimGrid
// second stands for one simulated nanosecond) and stops resolving a picosecond near 4e12 ns: `Engine` refuses
// to go there.
#pragma once

#include <chrono>
#include <cstdint>
#include <ratio>

namespace mmsim {

/// A length of simulated time, in picoseconds.
using Duration = std::chrono::duration<std::int64_t, std::pico>;

/// Tag of the simulated clock. It has no now(): ask the engine.
struct SimClock {
  using duration = Duration;
  using rep = Duration::rep;
  using period = Duration::period;
  static constexpr bool is_steady = true;
};

/// A point of simulated time, in picoseconds since the start of the run.
using Instant = std::chrono::time_point<SimClock, Duration>;

/// For output and SimGrid only: never compute with it.
constexpr double nanoseconds(Duration d) { return static_cast<double>(d.count()) / 1000.0; }

/// Literals for tests and benchmarks. Costs of the model come from parameters, never from literals.
namespace literals {
constexpr Duration operator""_ps(unsigned long long n) { return Duration(static_cast<std::int64_t>(n)); }
constexpr Duration operator""_ns(unsigned long long n) { return std::chrono::nanoseconds(n); }
constexpr Duration operator""_us(unsigned long long n) { return std::chrono::microseconds(n); }
constexpr Duration operator""_ms(unsigned long long n) { return std::chrono::milliseconds(n); }
} // namespace literals

} // namespace mmsim
