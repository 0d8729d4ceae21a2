#include "models/operations/clone.hpp"

#include <utility>

namespace mmsim {

namespace {
// copy_mm() with CLONE_VM, and the end of copy_process().
void copy_process(System& system, Task& task, const char* what, CoreId on, std::function<void(Task&)> life,
                  SlabObject files, std::shared_ptr<Completion> vfork_done) {
  MmStruct& mm = *task.mm;
  mm.users.increment(task.core()); // mmget()
  system.scheduler.spawn(task.core(), task.name + what, &mm, on, std::move(life), Fiber::Kind::worker, files,
                         std::move(vfork_done));
}
} // namespace

void clone_thread(System& system, Task& task, CoreId on, std::function<void(Task&)> body,
                  std::shared_ptr<Completion> exited) {
  Core& core = task.core();
  core.charge(core.costs().entry.syscall, Account::entry);
  core.charge(core.costs().work.task_create, Account::work);
  copy_process(system, task, "'s thread", on, life_of(system, std::move(body), std::move(exited)), no_object,
               nullptr);
  return_to_user_mode(system, task);
}

bool vfork(System& system, Task& task, CoreId on, std::function<void(Task&)> body,
           std::shared_ptr<Completion> exited) {
  Core& core = task.core();
  core.charge(core.costs().entry.syscall, Account::entry);
  core.charge(core.costs().work.task_create, Account::work);
  const SlabObject files = system.slabs.files.alloc(core, GFP_KERNEL); // copy_files()
  if (files == no_object) {
    return_to_user_mode(system, task);
    return false;
  }
  const auto done = std::make_shared<Completion>("vfork: the child's exec or exit");
  copy_process(system, task, "'s vforked child", on, life_of(system, std::move(body), std::move(exited)),
               files, done);
  done->wait(system, task); // wait_for_vfork_done()
  return_to_user_mode(system, task);
  return true;
}

} // namespace mmsim
