// The end of killed tasks.
//
//   abort_process(system, task);                          // SIGKILL for the own process; throws TaskKilled
//   if (killed_in(task, body)) ... what is left to do ... // around what may be killed
//
// A killed task ends where it would return to user mode, by TaskKilled (user.hpp), which is thrown through its
// body. Whoever makes tasks (process.hpp) catches it there and does the rest of do_exit(): the do_group_exit()
// of get_signal_to_deliver() (2.6.24) and get_signal() (5.10). Left out: other signals, and the core dump.
#pragma once

#include "models/operations/user.hpp"
#include "models/system.hpp"

#include <functional>

namespace mmsim {

/// A killed task's body ends with the TaskKilled that was thrown through it, or as if it had called exit_task().
/// Runs `body` and says whether it was killed. Afterwards, not in the catch block, there is time again.
[[nodiscard]] bool killed_in(Task& task, const std::function<void(Task&)>& body);

/// SIGKILL for the whole process of `task`, which ends here, as after abort(). Throws TaskKilled.
[[noreturn]] void abort_process(System& system, Task& task);

/// do_group_exit(): runs `body`, and exit_task() for it if it was killed in it. Says whether it was.
bool finish_killed(System& system, Task& task, const std::function<void(Task&)>& body);

/// The body of a task that is there at boot: its end by SIGKILL is told to the run (System::task_killed).
std::function<void(Task&)> task_of_boot(System& system, std::function<void(Task&)> body);

} // namespace mmsim
