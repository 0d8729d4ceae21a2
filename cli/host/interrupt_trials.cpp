// Interrupts between CPUs, by membarrier(PRIVATE_EXPEDITED): it interrupts the CPUs that run threads of this
// process, and returns when all have answered.
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <functional>
#include <memory>

#include "cli/host/clock.hpp"
#include "cli/host/partner.hpp"
#include "cli/host/trial_groups.hpp"

namespace mmsim::host {
namespace {

// linux/membarrier.h; the values are part of the system call.
constexpr int private_expedited = 8, register_private_expedited = 16;

bool membarrier(int command) { return syscall(SYS_membarrier, command, 0, 0) == 0; }

constexpr int calls = 50;

double calls_with(const Partner& partner) {
  if (!partner.pinned()) return no_sample;
  for (int i = 0; i < 5; ++i)
    if (!membarrier(private_expedited)) return no_sample;
  return ns_of([] {
           for (int i = 0; i < calls; ++i)
             membarrier(private_expedited);
         }) /
         calls;
}

void spin_ns(double ns) {
  const std::uint64_t begin = ticks();
  while (ns_between(begin, ticks()) < ns)
    relax();
}

/// The partner reads the clock without end; each of our interrupts makes a gap. Neighbours make others, which
/// may be many, but are shorter than an interrupt, or long and few: so of the longest, as many as we made
/// interrupts, the median.
double pause_of_partner(int cpu) {
  constexpr std::size_t most = 4000;
  // Where there is no counter, reading the clock takes long and must not pass for a gap.
  const TickSource& clock = tick_source();
  const double gap_ns = std::max({150.0, 4 * clock.cost_ns, 4 * clock.resolution_ns});
  std::array<double, most> gaps{};
  std::size_t seen = 0;
  double loop_ns = no_sample; // until one was seen
  std::atomic<bool> begun{false};
  {
    const Partner partner(cpu, [&](const std::atomic<bool>& stop) {
      std::uint64_t last = ticks(), loops = 0;
      double in_loops = 0;
      begun = true;
      while (!stop.load(std::memory_order_relaxed)) {
        const std::uint64_t now = ticks();
        const double gap = ns_between(last, now);
        last = now;
        if (gap < gap_ns) {
          in_loops += gap;
          ++loops;
        } else if (seen < most) {
          gaps[seen++] = gap;
        }
      }
      if (loops > 0) loop_ns = in_loops / double(loops);
    });
    if (!partner.pinned()) return no_sample;
    while (!begun.load()) {
    }
    for (int i = 0; i < calls; ++i) {
      membarrier(private_expedited);
      spin_ns(5000);
    }
  }
  if (seen < calls * 3 / 4 || seen == most) return no_sample;
  const auto middle = gaps.begin() + long(std::min<std::size_t>(seen, calls) / 2);
  std::nth_element(gaps.begin(), middle, gaps.begin() + long(seen), std::greater<>());
  return *middle - loop_ns;
}

} // namespace

std::vector<Trial> interrupt_trials(const Places& places) {
  if (places.partner < 0 || !membarrier(register_private_expedited)) return {};
  const int cpu = places.partner;
  return {{"membarrier.sleeping", "membarrier, the partner asleep: nobody is interrupted",
           [cpu] { return calls_with(Partner::sleeping(cpu)); }},
          {"membarrier.running", "membarrier, the partner in user code is interrupted and answers",
           [cpu] { return calls_with(Partner::spinning(cpu)); }},
          {"interrupt.pause", "what a membarrier takes from a partner that reads the clock without end",
           [cpu] { return pause_of_partner(cpu); }}};
}

} // namespace mmsim::host
