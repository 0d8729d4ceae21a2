// Keeping a thread on one CPU.
#pragma once

#include <sched.h>

#include <vector>

namespace mmsim::host {

/// CPUs that this thread may run on, ascending (sched_getaffinity: taskset and cpusets count).
std::vector<int> allowed_cpus();

/// Keeps the calling thread, and what it starts, on `cpu`. False if the kernel refuses, and then nothing has
/// changed.
bool pin_to(int cpu);

/// Pins the calling thread for as long as it lives, then gives it back the CPUs that it had.
class Pinned {
 public:
  explicit Pinned(int cpu);
  ~Pinned();
  Pinned(const Pinned&) = delete;
  Pinned& operator=(const Pinned&) = delete;

  explicit operator bool() const { return pinned_; } ///< whether it worked

 private:
  cpu_set_t before_;
  bool known_, pinned_;
};

} // namespace mmsim::host
