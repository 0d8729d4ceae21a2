#include "cli/host/clock.hpp"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "cli/host/system_files.hpp"

namespace mmsim::host {
namespace clock_detail {
bool use_counter = false;
}
namespace {

bool counter_is_steady() {
#if defined(__x86_64__)
  // A kernel that has found it unsteady has gone over to a clock outside of the CPU.
  const std::string source = first_line("/sys/devices/system/clocksource/clocksource0/current_clocksource");
  for (const char* slow : {"hpet", "acpi_pm", "jiffies", "refined-jiffies"})
    if (source == slow) return false;
  // The kernel sets both only where the TSC runs at one rate in all states of the CPU.
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("flags"))
      return line.find(" constant_tsc") != std::string::npos &&
             line.find(" nonstop_tsc") != std::string::npos;
  return false;
#elif defined(__aarch64__)
  return true; // the architecture says so
#else
  return false;
#endif
}

struct Moment {
  std::uint64_t ns, ticks;
};

/// Both clocks at the same time: of some readings the one that nothing has come between.
Moment moment() {
  Moment best{};
  std::uint64_t narrowest = ~std::uint64_t(0);
  for (int i = 0; i < 50; ++i) {
    const std::uint64_t before = monotonic_ns();
    const std::uint64_t now = ticks();
    const std::uint64_t after = monotonic_ns();
    if (after - before < narrowest) {
      narrowest = after - before;
      best = {before + (after - before) / 2, now};
    }
  }
  return best;
}

void calibrate_rate(TickSource& source) {
  const Moment begin = moment();
  while (monotonic_ns() < begin.ns + 20'000'000) {
  }
  const Moment end = moment();
  source.ns_per_tick = double(end.ns - begin.ns) / double(end.ticks - begin.ticks);
}

TickSource find_out() {
  TickSource source;
  source.counter = clock_detail::use_counter = counter_is_steady();
  if (source.counter) calibrate_rate(source);

  std::vector<std::uint64_t> costs;
  std::uint64_t smallest = ~std::uint64_t(0);
  for (int i = 0; i < 2001; ++i) {
    const std::uint64_t begin = ticks();
    const std::uint64_t end = ticks();
    costs.push_back(end - begin);
    if (end != begin) smallest = std::min(smallest, end - begin);
  }
  // Of a coarse counter most differences are 0: the mean tells the cost, without those that were interrupted.
  std::ranges::sort(costs);
  double sum = 0;
  const std::size_t quiet = costs.size() * 9 / 10;
  for (std::size_t i = 0; i < quiet; ++i)
    sum += double(costs[i]);
  source.cost_ns = sum / double(quiet) * source.ns_per_tick;
  source.resolution_ns = smallest == ~std::uint64_t(0) ? 0 : double(smallest) * source.ns_per_tick;

  char name[64];
#if defined(__x86_64__)
  const char* counter = "TSC";
#else
  const char* counter = "CNTVCT";
#endif
  if (source.counter)
    std::snprintf(name, sizeof name, "%s, %.4g MHz", counter, 1000 / source.ns_per_tick);
  else
    std::snprintf(name, sizeof name, "clock_gettime(CLOCK_MONOTONIC)");
  source.name = name;
  return source;
}

} // namespace

const TickSource& tick_source() {
  static const TickSource source = find_out();
  return source;
}

} // namespace mmsim::host
