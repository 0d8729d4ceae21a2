// Threads and vfork: tasks that use their maker's address space.
//
//   clone_thread(system, task, CoreId(1), body);   // pthread_create(); it may have ended by now
//   vfork(system, task, CoreId(0), [&](Task& child) {    // returns when the child has called exec or exited
//     exec(system, child, image); ... exit_task(system, child);
//   });
//
// Models copy_process() with CLONE_VM (copy_mm() takes a reference on mm_users, nothing is copied) and, for
// vfork(), CLONE_VFORK of do_fork() (2.6.24) and kernel_clone() (5.10): the parent sleeps in
// wait_for_vfork_done() until mm_release() of the child, in exec_mmap() or exit_mm(), completes its
// vfork_done. That sleep is killable (since 2.6.25; in 2.6.24 it was not: a killed parent waits for the child
// there). A parent that is killed there leaves the child behind, which goes on in the address space that it
// has a reference on.
//
// Threads share their files (CLONE_FILES); a vforked child has its own, as after fork(). Left out: what else
// threads share (signal handlers, the thread group); machine.work.task_create stands for either.
#pragma once

#include "models/operations/process.hpp"

#include <functional>
#include <memory>

namespace mmsim {

/// clone(CLONE_VM | CLONE_FILES | CLONE_THREAD): a thread of `task`'s process starts on core `on`. `exited`
/// as in fork(). Throws TaskKilled.
void clone_thread(System& system, Task& task, CoreId on, std::function<void(Task&)> body,
                  std::shared_ptr<Completion> exited = nullptr);

/// False (ENOMEM) if there is no memory for the child. Throws TaskKilled.
bool vfork(System& system, Task& task, CoreId on, std::function<void(Task&)> body,
           std::shared_ptr<Completion> exited = nullptr);

} // namespace mmsim
