// fork, exit, wait: making and ending processes and threads.
//
// Models copy_process() -> dup_mm() -> dup_mmap() -> copy_page_range() of kernel/fork.c and mm/memory.c, in
// the kernel's order: the child's mm; mmap_lock of the parent for writing, the child's nested in it; area by
// area: duplicate (vm_area_struct of its own), link to the reverse map (anon_vma_fork(), i_mmap), copy the
// page-table levels, the last one under both tables' locks with write-protection of both sides; one flush of
// the parent at the end; then the locks. And do_exit() -> exit_mm() -> mmput() -> exit_mmap(), with the core
// lazy on the dying mm until it switches away (mmdrop in finish_task_switch); the files go after that
// (exit_files). mm_struct, areas and files_struct are objects of slab caches (system.slabs), but for
// processes that are there at boot. Left out: of files all but their files_struct, signals.
//
// Each area's pages are promised to the child before it gets the area; what memory there is not for unwinds
// as in the kernel: dup_mmap() drops its locks after the parent's flush, mmput() tears down what the child
// has (exit_mmap() gives its promises back), and fork returns null. A task that is killed meanwhile stops at
// the next area (since 4.18; 2.6.24 went on to the end, and then failed likewise).
//
// Whoever makes tasks here also ends those that are killed (kill.hpp). A parent that waits for its child
// gives fork() a Completion, which it shares with the child, since either may be killed first.
//
// Page pinning (gup.hpp), since 5.10.35 (kernel.write_protect_seq): write_protect_seq is odd while an area is
// copied, by the raw form, so that the writer may be preempted and sleep; and if the parent has ever pinned
// pages (has_pinned, read once a table here, once a page there), a page that may be pinned is copied for the
// child at once (copy_present_page) and stays writable to the parent: the locks are dropped, a page allocated
// (page_copy_prealloc), the locks taken and the entry looked at again.
#pragma once

#include "models/operations/user.hpp"
#include "models/system.hpp"

#include <functional>
#include <memory>
#include <string>

namespace mmsim {

/// Something that happens once and that one task can wait for: a child's exit. The sleep is killable
/// (wait4()).
class Completion : public Waitable {
 public:
  explicit Completion(const char* what) : what_(what) {}
  /// Returns once complete() has been called. Throws TaskKilled.
  void wait(System& system, Task& task);
  void complete(System& system, Core& core);
  bool done() const { return done_; }
  std::string describe() const override { return what_; }

 private:
  const char* what_;
  bool done_ = false;
  Task* waiter_ = nullptr;
};

/// A process before the machine runs: an empty address space and one task on core `on`.
Task& spawn_process_at_boot(System& system, std::string name, CoreId on, std::function<void(Task&)> body);
/// Another thread of `mm`, before the machine runs.
Task& spawn_thread_at_boot(System& system, std::string name, MmStruct& mm, CoreId on,
                           std::function<void(Task&)> body);
/// A kernel thread that lives as long as the machine.
Task& spawn_kthread_at_boot(System& system, std::string name, CoreId on, std::function<void(Task&)> body);

/// fork(): `task`'s child starts on core `on` with `body` once the parent has been copied. Bodies end with
/// exit_task(). Null (ENOMEM) if there is no memory for the copy, or it may not be promised. `exited`
/// completes when the body has ended or the child was killed. Throws TaskKilled.
Task* fork(System& system, Task& task, CoreId on, std::function<void(Task&)> body,
           std::shared_ptr<Completion> exited = nullptr);

// --- parts that clone(), vfork() and exec() share

/// Runs `body` in a new task as fork() and its kin do: ends it if it is killed, then completes `exited`.
std::function<void(Task&)> life_of(System& system, std::function<void(Task&)> body,
                                   std::shared_ptr<Completion> exited);
/// mm_release(): whoever waits in vfork() for `task` to give its address space up goes on.
void mm_release(System& system, Task& task);
/// mmput(): the last user's tables, pages and areas go, and the users' reference on the mm.
void mmput(System& system, Core& core, MmStruct& mm);
/// mm_alloc(): an address space with a page directory and nothing in it. Null if memory ran out.
MmStruct* mm_alloc(System& system, Core& core);

/// do_exit() up to the last schedule(): gives up the address space. The body must return right after it.
void exit_task(System& system, Task& task);

} // namespace mmsim
