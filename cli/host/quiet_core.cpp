#include "cli/host/quiet_core.hpp"

#include "cli/host/clock.hpp"

#include <algorithm>
#include <limits>
#include <vector>

namespace mmsim::host {
namespace {
double best = std::numeric_limits<double>::infinity(); // children inherit it
// A busy second hyperthread makes it 1.7 times as long, a clock that comes and goes some percent.
constexpr double tolerated = 1.3;
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
  const auto middle = probes.begin() + std::ptrdiff_t(probes.size() / 2);
  std::nth_element(probes.begin(), middle, probes.end());
  best = std::min(best, *middle);
}

bool quiet_core() { return addition_probe() <= tolerated * best; }

} // namespace mmsim::host
