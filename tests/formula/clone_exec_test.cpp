// Does making a thread, a vforked child or a new image cost exactly the sum of its cost-book entries?
//
// One core, where every line that is not new is in its cache, as in operations_test.cpp.

#include "models/operations/clone.hpp"
#include "models/operations/exec.hpp"
#include "tests/support/kernel_world.hpp"

#include <gtest/gtest.h>

namespace mmsim::tests::clone_exec_test {
namespace {

class OneCore : public testing::Test {
 protected:
  KernelWorld w{1,
                {{"kernel.rwsem", "fifo"},
                 {"kernel.pcp_batch", std::int64_t{2000}},
                 {"kernel.pcp_high", std::int64_t{100'000}}}};
  const CostBook& c = w.costs();
  Duration took{};

  Duration rmw() const { return c.line.hit + c.line.atomic; }
  Duration rmw_from_memory() const { return c.line.dram + c.line.atomic; }
  Duration locked_and_unlocked() const { return rmw() + c.line.hit; }
  Duration first_locked_and_unlocked() const { return rmw_from_memory() + c.line.hit; }

  void measure(Task& task, const std::function<void()>& operation) { took = time_of(task, operation); }
  void run(const std::function<void(Task&)>& body) {
    spawn_process_at_boot(w.system, "process", CoreId(0), [&](Task& task) {
      for (KmemCache* cache : w.system.slabs.all())
        cache->free(task.core(), cache->alloc(task.core()));
      const PageNumber page = mmap(w.system, task, 1);
      touch(w.system, task, page, AccessKind::write);
      body(task);
      exit_task(w.system, task);
    });
    w.engine.run();
    w.system.check_invariants();
  }
};

TEST_F(OneCore, AThreadCostsATaskAndAReferenceOnMmUsers) {
  run([&](Task& task) {
    measure(task, [&] { clone_thread(w.system, task, CoreId(0), [&](Task& t) { exit_task(w.system, t); }); });
  });
  EXPECT_EQ(took, c.entry.syscall + c.work.task_create + rmw_from_memory() // mm_users
                      + locked_and_unlocked() + c.work.enqueue);
}

// Measured in a vforked child, which is not the last user of what it leaves, and whose parent is woken.
TEST_F(OneCore, ExecCostsAnAddressSpaceAStackAndASwitch) {
  run([&](Task& task) {
    vfork(w.system, task, CoreId(0), [&](Task& child) {
      measure(child, [&] { EXPECT_TRUE(exec(w.system, child)); });
      EXPECT_EQ(child.mm->total_vm, 1);
      EXPECT_EQ(child.mm->vmas.begin()->end, child.mm->tables.shape().end());
      exit_task(w.system, child);
    });
  });
  const Duration cpu_asid_lock = locked_and_unlocked(), id = 2 * c.line.hit + cpu_asid_lock + 3 * c.line.hit;
  EXPECT_EQ(took, c.entry.syscall + c.work.slab_alloc + c.work.mm_create + c.work.pcp_alloc +
                      c.memory.page_zero + c.work.table_init + c.work.pte_set +
                      first_locked_and_unlocked() // the root
                      + rmw_from_memory() + c.work.slab_alloc + c.line.hit + rmw() + c.work.vma_insert +
                      rmw() // the stack's area, under mmap_lock
                      + c.work.wake + locked_and_unlocked() + c.work.enqueue // the parent
                      + rmw() + c.line.dram + rmw() + id + c.entry.switch_mm +
                      rmw()   // under the old mmap_lock: mm_cpumask, the id, the tables
                      + rmw() // mm_users
  );
}

} // namespace
} // namespace mmsim::tests::clone_exec_test
