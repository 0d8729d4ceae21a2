// Reading the time so cheaply that a hundred nanoseconds can be told.
//
// The counter that the CPUs share (x86: TSC, arm64: CNTVCT) is read where the kernel trusts it too; else
// clock_gettime(CLOCK_MONOTONIC). Its rate is calibrated against CLOCK_MONOTONIC once.
#pragma once

#include <cstdint>
#include <ctime>
#include <string>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace mmsim::host {

struct TickSource {
  bool counter = false; ///< the hardware's counter; else clock_gettime
  double ns_per_tick = 1;
  double cost_ns = 0;       ///< of one ticks()
  double resolution_ns = 0; ///< the smallest step seen
  std::string name;         ///< "TSC, 2.100 GHz"
};

/// Found out at the first call, which takes some 20 ms.
const TickSource& tick_source();

namespace clock_detail {
extern bool use_counter; // constant once tick_source() has been called
}

inline std::uint64_t monotonic_ns() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return std::uint64_t(now.tv_sec) * 1'000'000'000 + std::uint64_t(now.tv_nsec);
}

/// What comes earlier in the program is done before it (stores may still wait in the CPU's store buffer), what
/// comes later begins after it. Call tick_source() before the first.
inline std::uint64_t ticks() {
#if defined(__x86_64__)
  if (clock_detail::use_counter) [[likely]] {
    _mm_lfence();
    const std::uint64_t result = __rdtsc();
    _mm_lfence();
    return result;
  }
#elif defined(__aarch64__)
  if (clock_detail::use_counter) [[likely]] {
    std::uint64_t result;
    asm volatile("isb\n\tmrs %0, cntvct_el0\n\tisb" : "=r"(result) : : "memory");
    return result;
  }
#endif
  return monotonic_ns();
}

/// The nanoseconds between two readings.
inline double ns_between(std::uint64_t from, std::uint64_t to) {
  return double(std::int64_t(to - from)) * tick_source().ns_per_tick;
}

/// Nanoseconds that `body` takes, less the reading of the clock; never below 0.
template <typename Body>
double ns_of(Body&& body) {
  const TickSource& source = tick_source();
  const std::uint64_t begin = ticks();
  body();
  const std::uint64_t end = ticks();
  const double ns = double(std::int64_t(end - begin)) * source.ns_per_tick - source.cost_ns;
  return ns > 0 ? ns : 0;
}

/// The compiler may neither drop `value` nor know what it is afterwards.
template <typename T>
inline void keep(T& value) {
  asm volatile("" : "+r"(value) : : "memory");
}
/// The compiler keeps memory accesses on their side of this.
inline void compiler_barrier() { asm volatile("" : : : "memory"); }

/// What a spinning thread does in its loop.
inline void relax() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield" : : : "memory");
#else
  compiler_barrier();
#endif
}

} // namespace mmsim::host
