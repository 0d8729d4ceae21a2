// exec: the process gets a new address space, the old one goes.
//
//   if (!exec(system, task)) ... ENOMEM, the old image goes on ...
//   text = mmap(system, task, pages);            // the loader's and the interpreter's areas
//
// Models do_execve() of fs/exec.c as far as address spaces go. bprm_mm_init(): mm_alloc() and the stack's
// area, for which memory is promised, under the new mm's mmap_lock; then exec_mmap(): mm_release(), which
// lets a parent in vfork() go on; mmap_lock of the old mm for reading (no core dump under way); task->mm and
// active_mm become the new one and activate_mm() loads it with irqs off; mmput() of the old mm, whose pages
// go here if it was the last user. 5.10 does all of that, 2.6.24 in the same order, with irqs on around
// activate_mm() (here they are off).
//
// The image is what the caller maps then; with a dynamic interpreter most of its areas come from system calls
// too. Left out: reading the file, copying arguments and environment to the stack, other threads of the
// process, which de_thread() kills (here they go on in the old address space), exec_update_lock.
#pragma once

#include "models/operations/process.hpp"

namespace mmsim {

/// Replaces `task`'s address space by one with a stack of one page. False (ENOMEM) if there is no memory for
/// it: nothing has changed then. Throws TaskKilled.
bool exec(System& system, Task& task);

} // namespace mmsim
