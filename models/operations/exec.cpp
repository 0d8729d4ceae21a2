#include "models/operations/exec.hpp"

#include <stdexcept>

namespace mmsim {

namespace {

// __bprm_mm_init(): the area for the new program's stack, at the top.
bool insert_stack(System& system, Task& task, MmStruct& mm) {
  const PageNumber end = mm.tables.shape().end();
  mm.mmap_lock.down_write_nested(task, 1); // nobody else knows the mm yet
  Core& core = task.core();
  const SlabObject object = system.slabs.vm_area_struct.alloc(core, GFP_KERNEL); // vm_area_alloc()
  const bool promised = object != no_object && system.overcommit.vm_enough_memory(core, mm, 1);
  if (promised) { // insert_vm_struct()
    core.charge(core.costs().work.vma_insert, Account::work);
    core.settle();
    mm.vmas.insert({.begin = PageNumber(end.value() - 1),
                    .end = end,
                    .flags = vm_read_write | VM_GROWSDOWN | VM_ACCOUNT,
                    .file = nullptr,
                    .pgoff = end.value() - 1,
                    .object = object,
                    .anon_vma = nullptr});
    mm.total_vm = 1;
  } else if (object != no_object) {
    system.slabs.vm_area_struct.free(core, object);
  }
  mm.mmap_lock.up_write(task);
  return promised;
}

// The old mm, which the task still has a user's reference on.
MmStruct& exec_mmap(System& system, Task& task, MmStruct& mm) {
  MmStruct& old = *task.mm;
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
