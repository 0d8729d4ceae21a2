// Processes that wait for each other at every so many steps, any of which may be killed meanwhile.
//
//   family.meet(system, task);     // returns once all members have come
//   family.leave(system, task);    // on every way out, also of who is killed
#pragma once

#include "models/operations/kill.hpp"
#include "models/operations/process.hpp"

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace mmsim {

/// Sharers that go together. Any of them may be killed, and all leave when the window closes.
struct Family {
  std::uint64_t members, arrived = 0;
  std::vector<std::shared_ptr<Completion>> waiting{};

  void meet(System& system, Task& task) {
    if (++arrived == members) return go_on(system, task);
    waiting.push_back(std::make_shared<Completion>("the other sharers"));
    const std::shared_ptr<Completion> mine = waiting.back();
    const bool killed = killed_in(task, [&](Task&) { mine->wait(system, task); });
    if (!killed) return;
    if (std::erase(waiting, mine) != 0) --arrived;
    throw TaskKilled{};
  }
  void leave(System& system, Task& task) {
    --members;
    if (arrived > 0 && arrived == members) go_on(system, task);
  }

 private:
  void go_on(System& system, Task& task) {
    arrived = 0;
    for (const auto& other : std::exchange(waiting, {}))
      other->complete(system, task.core());
  }
};

} // namespace mmsim
