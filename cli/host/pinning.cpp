#include "cli/host/pinning.hpp"

namespace mmsim::host {

std::vector<int> allowed_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> result;
  if (sched_getaffinity(0, sizeof set, &set) == 0)
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
      if (CPU_ISSET(cpu, &set)) result.push_back(cpu);
  if (result.empty()) { // more than 1024 CPUs, or the call is forbidden: this one at least
    const int here = sched_getcpu();
    result.push_back(here < 0 ? 0 : here);
  }
  return result;
}

bool pin_to(int cpu) {
  if (cpu < 0 || cpu >= CPU_SETSIZE) return false;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  return sched_setaffinity(0, sizeof set, &set) == 0;
}

Pinned::Pinned(int cpu) : known_(sched_getaffinity(0, sizeof before_, &before_) == 0), pinned_(pin_to(cpu)) {}

Pinned::~Pinned() {
  if (known_ && pinned_) sched_setaffinity(0, sizeof before_, &before_);
}

} // namespace mmsim::host
