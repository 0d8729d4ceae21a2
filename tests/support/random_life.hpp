// A life of clones, vforks, execs and forks.
#pragma once

#include "models/operations/clone.hpp"
#include "models/operations/exec.hpp"
#include "sim/engine/random.hpp"
#include "tests/support/kernel_world.hpp"

namespace mmsim::tests {

/// How often each was done.
struct LifeCounts {
  std::uint64_t clone = 0, vfork = 0, exec = 0, fork = 0;
};

/// `task` lives so for `steps` steps, and so do those whom it makes, for 2 steps and not for ever. `random` and `counts`
/// must outlive them all.
inline void random_life(KernelWorld& w, Task& task, RandomStream& random, LifeCounts& counts, int steps,
                        int depth) {
  System& system = w.system;
  const std::uint32_t cpus = system.machine.cpus();
  PageNumber page = mmap(system, task, 2);
  const auto live = [&w, &random, &counts, depth](Task& self) {
    random_life(w, self, random, counts, 2, depth + 1);
    exit_task(w.system, self);
  };
  const auto anywhere = [&] { return CoreId(static_cast<std::uint32_t>(random.below(cpus))); };
  for (int step = 0; step < steps; ++step) {
    touch(system, task, page + random.below(2), AccessKind::write);
    switch (depth > 2 ? 4 : random.below(6)) {
    case 0:
      ++counts.clone;
      clone_thread(system, task, anywhere(), live);
      break;
    case 1:
      ++counts.vfork;
      vfork(system, task, anywhere(), [&w, &random, &counts, depth](Task& child) {
        if (random.below(2) == 0 && exec(w.system, child)) {
          ++counts.exec;
          random_life(w, child, random, counts, 2, depth + 1);
        }
        exit_task(w.system, child);
      });
      break;
    case 2:
      if (!exec(system, task)) break;
      ++counts.exec;
      page = mmap(system, task, 2);
      break;
    case 3:
      ++counts.fork;
      fork(system, task, anywhere(), live);
      break;
    default:
      run_user(system, task, random.exponential(std::chrono::microseconds(5)));
    }
  }
}

} // namespace mmsim::tests
