#include "models/operations/exec.hpp"

#include "models/operations/vma.hpp"

#include <stdexcept>

namespace mmsim {

namespace {

// __bprm_mm_init(): the area for the new program's stack, at the top.
bool insert_stack(System& system, Task& task, MmStruct& mm) {
  const PageNumber end = mm.tables.shape().end();
  mm.mmap_lock.down_write_nested(task, 1); // nobody else knows the mm yet
  Core& core = task.core();
  Vma stack;
  stack.begin = end - 1;
  stack.end = end;
  stack.flags = vm_read_write | VM_GROWSDOWN | VM_ACCOUNT;
  stack.pgoff = stack.begin.value();
  Vma* const made = vm_area_alloc(system, core, mm, stack);
  const bool promised = made != nullptr && system.overcommit.vm_enough_memory(core, mm, 1);
  if (promised) { // insert_vm_struct()
    vma_link(system, task, mm, *made);
    mm.total_vm = 1;
  } else if (made != nullptr) {
    vm_area_free(system, core, *made);
  }
  mm.mmap_lock.up_write(task);
  return promised;
}

// The old mm, which the task still has a user's reference on.
MmStruct& exec_mmap(System& system, Task& task, MmStruct& mm) {
  MmStruct& old = *task.mm;
  if (system.mm_list) system.mm_list->add(task.core(), mm, system.init_mm());
  mm_release(system, task);
  old.mmap_lock.down_read(task);
  Core& core = task.core();
  core.settle();
  core.irq_disable();
  task.mm = &mm;
  task.active_mm = &mm;
  system.mm_switch.switch_mm(core, &old, &mm); // activate_mm()
  core.settle();
  core.irq_enable();
  old.mmap_lock.up_read(task);
  return old;
}

} // namespace

bool exec(System& system, Task& task) {
  Core& core = task.core();
  core.charge(core.costs().entry.syscall, Account::entry);
  MmStruct* const mm = mm_alloc(system, core);
  const bool ready = mm != nullptr && insert_stack(system, task, *mm);
  if (ready) {
    MmStruct& old = exec_mmap(system, task, *mm);
    mmput(system, task.core(), old);
  } else if (mm != nullptr) {
    mmput(system, task.core(), *mm);
  }
  return_to_user_mode(system, task);
  return ready;
}

} // namespace mmsim
