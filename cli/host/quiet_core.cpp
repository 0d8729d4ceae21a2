#include "cli/host/quiet_core.hpp"

#include "cli/host/clock.hpp"

#include <algorithm>
#include <limits>
#include <vector>

namespace mmsim::host {
namespace {
double best = std::numeric_limits<double>::infinity(); // children inherit it
constexpr double tolerated = 1.15;
} // namespace

double addition_probe() {
  std::uint64_t a = 1, b = 2, c = 3, d = 4, e = 5, f = 6;
  const std::uint64_t begin = ticks();
  for (int i = 0; i < 2000; ++i) {
    a += b, keep(a), b += c, keep(b), c += d, keep(c), d += e, keep(d), e += f, keep(e), f += a, keep(f);
    a += d, keep(a), b += e, keep(b), c += f, keep(c), d += a, keep(d), e += b, keep(e), f += c, keep(f);
  }
  return ns_between(begin, ticks());
}

void learn_quiet_core(double seconds) {
  std::vector<double> probes;
  const std::uint64_t begin = ticks();
  do
    probes.push_back(addition_probe());
  while (ns_between(begin, ticks()) < seconds * 1e9);
  const auto tenth = probes.begin() + std::ptrdiff_t(probes.size() / 10);
  std::nth_element(probes.begin(), tenth, probes.end());
  best = std::min(best, *tenth);
}

bool quiet_core() { return addition_probe() <= tolerated * best; }

bool wait_for_quiet_core(double seconds) {
  const std::uint64_t begin = ticks();
  while (!quiet_core())
    if (ns_between(begin, ticks()) > seconds * 1e9) return false;
  return true;
}

} // namespace mmsim::host
