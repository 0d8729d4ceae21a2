// lockdep: sleeping, giving back and waiting for other cores where that must not be.
#include "tests/support/lockdep_world.hpp"

namespace mmsim::tests::lockdep_context_test {
namespace {

// --- sleeping

TEST(LockdepSleep, ASleepingLockIsNotAskedForWithASpinlockHeldEvenIfItIsFree) {
  TasksWorld world;
  world.task("munmap", 1, [&](Task& task) {
    work(task.core(), 10_us);
    world.page_table_lock->lock(task.core());
    work(task.core(), 10_us);
    world.mmap_lock.down_read(task);
  });
  EXPECT_THAT(world.said(),
              AllOf(HasSubstr("sleeping in atomic context: cpu 1, task 2 (munmap) may sleep in taking "
                              "mmap_lock, but is not preemptible"),
                    HasSubstr("page_table_lock, taken at 1"), HasSubstr("task 2 (munmap) at 2")));
}

TEST(LockdepSleep, NobodySchedulesWithASpinlockHeldOrIrqsOffOrPreemptionOff) {
  TasksWorld world;
  std::vector<std::string> said;
  const auto expect = [&](Task& task) {
    said.push_back(violation_of([&] { world.scheduler.block(task, Account::lock_sleep, nullptr); }));
    said.push_back(violation_of([&] { world.scheduler.yield(task); }));
    said.push_back(violation_of([&] { world.scheduler.resched_point(task); }));
  };
  world.task("t", 0, [&](Task& task) {
    world.page_table_lock->lock(task.core());
    expect(task);
    world.page_table_lock->unlock(task.core());
    task.core().irq_disable();
    expect(task);
    task.core().irq_enable();
    task.core().preempt_disable();
    expect(task);
    task.core().preempt_enable();
  });
  EXPECT_EQ(world.said(), "");
  ASSERT_EQ(said.size(), 9u);
  for (std::size_t i = 0; i < said.size(); ++i)
    EXPECT_THAT(said[i], AllOf(HasSubstr("sleeping in atomic context: cpu 0, task 2 (t) may sleep in "),
                               HasSubstr(std::vector{"schedule()", "yield()", "cond_resched()"}[i % 3]),
                               HasSubstr(i / 3 == 1 ? "with irqs off" : "not preemptible"),
                               HasSubstr(i / 3 == 0 ? "page_table_lock, taken at" : "holds no lock")));
}

TEST(LockdepSleep, AMutexAndASemaphoreAreNotAskedForWithASpinlockHeldEvenIfTheyAreFree) {
  TasksWorld world;
  Mutex mutex(world.locks, world.scheduler, "slab_mutex");
  Semaphore semaphore(world.locks, world.scheduler, "console_sem", 1);
  std::string of_mutex, of_semaphore;
  world.task("t", 1, [&](Task& task) {
    work(task.core(), 10_us);
    world.page_table_lock->lock(task.core());
    work(task.core(), 10_us);
    of_mutex = violation_of([&] { mutex.lock(task); });
    work(task.core(), 10_us);
    of_semaphore = violation_of([&] { semaphore.down(task); });
    world.page_table_lock->unlock(task.core());
  });
  EXPECT_EQ(world.said(), "");
  EXPECT_THAT(of_mutex, AllOf(HasSubstr("sleeping in atomic context: cpu 1, task 2 (t) may sleep in taking "
                                        "slab_mutex, but is not preemptible"),
                              HasSubstr("page_table_lock, taken at 1"), HasSubstr("task 2 (t) at 2")));
  EXPECT_THAT(of_semaphore, AllOf(HasSubstr("may sleep in down(), but is not preemptible"),
                                  HasSubstr("page_table_lock, taken at 1"), HasSubstr("task 2 (t) at 3")));
}

TEST(LockdepSleep, AReaderInRcuDoesNotSleep) {
  KernelWorld world(1);
  spawn_process_at_boot(world.system, "reader", CoreId(0), [&](Task& task) {
    work(task.core(), 10_us);
    world.system.rcu().read_lock(task.core());
    work(task.core(), 20_us);
    world.system.scheduler.block(task, Account::lock_sleep, nullptr);
  });
  EXPECT_THAT(violation_of([&] { world.engine.run(); }),
              AllOf(HasSubstr("sleeping in atomic context"), HasSubstr("(reader) may sleep in schedule()"),
                    testing::ContainsRegex("rcu_read_lock for reading, taken at 1[0-9][.0-9]* us"),
                    testing::ContainsRegex("\\(reader\\) at 3[0-9][.0-9]* us holds")));
}

TEST(LockdepSleep, SynchronizeRcuSleepsAndWaitsForCores) {
  KernelWorld world(2);
  std::string atomic;
  const auto taken_masked = world.system.locks.make("masked_lock");
  spawn_process_at_boot(world.system, "updater", CoreId(0), [&](Task& task) {
    taken_masked->lock(task.core());
    atomic = violation_of([&] { world.system.rcu().synchronize(task); });
    taken_masked->unlock(task.core());
    task.mm->mmap_lock.down_write(task); // nobody takes that with irqs off
    world.system.rcu().synchronize(task);
    task.mm->mmap_lock.up_write(task);
    exit_task(world.system, task);
  });
  EXPECT_EQ(violation_of([&] { world.engine.run(); }), "");
  EXPECT_THAT(atomic, AllOf(HasSubstr("may sleep in synchronize_rcu(), but is not preemptible"),
                            HasSubstr("masked_lock, taken at ")));
}

// --- giving back

TEST(LockdepUnlock, AnInterruptDoesNotGiveBackWhatItsTaskHolds) {
  CoresWorld world(1);
  const auto lock = world.locks.make("test_lock");
  world.tick.body = [&](Core& core) { lock->unlock(core); };
  world.interrupt_at(5_us, 0);
  world.on(0, [&](Core& core) {
    lock->lock(core);
    work(core, 10_us);
  });
  EXPECT_THAT(world.said(),
              AllOf(HasSubstr("unlock by another: cpu 0 releases test_lock, held by cpu 0 since "),
                    HasSubstr("in another context of that core"), HasSubstr("at 5 us")));
}

TEST(LockdepUnlock, AReaderDoesNotGiveBackWhatAnotherReaderHolds) {
  TasksWorld world;
  world.task("reader", 0, [&](Task& task) {
    work(task.core(), 10_us);
    world.mmap_lock.down_read(task);
    work(task.core(), 100_us);
    world.mmap_lock.up_read(task);
  });
  world.task("thief", 1, [&](Task& task) {
    work(task.core(), 50_us);
    world.mmap_lock.up_read(task);
  });
  EXPECT_THAT(world.said(),
              AllOf(HasSubstr("unlock by another: cpu 1 releases mmap_lock, held by task 2 (reader) since 1"),
                    HasSubstr("task 3 (thief) at 5")));
}

TEST(LockdepUnlock, ATaskDoesNotEndWithALockHeld) {
  TasksWorld world;
  world.task("t", 0, [&](Task& task) {
    work(task.core(), 10_us);
    world.mmap_lock.down_read(task);
    work(task.core(), 10_us);
  });
  EXPECT_THAT(world.said(), AllOf(HasSubstr("a task ends with locks held: cpu 0, task 2 (t)"),
                                  HasSubstr("mmap_lock for reading, taken at 1"), HasSubstr("(t) at 2")));
}

TEST(LockdepUnlock, ATaskDoesNotGoToUserModeWithALockHeld) {
  KernelWorld world(1);
  spawn_process_at_boot(world.system, "p", CoreId(0), [&](Task& task) {
    task.mm->mmap_lock.down_write(task);
    run_user(world.system, task, 1_us);
  });
  EXPECT_THAT(
      violation_of([&] { world.engine.run(); }),
      AllOf(HasSubstr("a task goes to user mode with locks held"), HasSubstr("mmap_lock, taken at ")));
}

// --- waiting for other cores

TEST(LockdepCores, ACallUnderALockThatOthersTakeWithIrqsOffIsFoundThoughTheyNeverMeet) {
  TasksWorld world;
  const auto lock = world.locks.make("test_lock");
  world.task("masked", 0, [&](Task& task) {
    work(task.core(), 10_us);
    lock->lock_irqsave(task.core());
    lock->unlock_irqrestore(task.core());
  });
  world.task("caller", 1, [&](Task& task) {
    work(task.core(), 50_us);
    lock->lock(task.core());
    work(task.core(), 10_us);
    world.call_all(task.core());
  });
  EXPECT_THAT(
      world.said(),
      AllOf(HasSubstr("waiting for other cores that may wait for us"),
            HasSubstr("irqs off -> test_lock: cpu 0, task 2 (masked) asked for test_lock with irqs off at 1"),
            HasSubstr("test_lock -> other cores: cpu 1, task 3 (caller) took test_lock at 5"),
            HasSubstr("then waited for other cores in a cross-call at 6")));
}

TEST(LockdepCores, TheSameIsFoundInTheOtherOrderAndThroughALockBetween) {
  TasksWorld world;
  const auto lock = world.locks.make("test_lock"), between = world.locks.make("between_lock");
  world.task("caller", 1, [&](Task& task) {
    lock->lock(task.core());
    world.call_all(task.core());
    lock->unlock(task.core());
  });
  world.task("between", 0, [&](Task& task) {
    work(task.core(), 50_us);
    between->lock(task.core());
    lock->lock(task.core());
    lock->unlock(task.core());
    between->unlock(task.core());
    work(task.core(), 50_us);
    between->lock_irqsave(task.core());
  });
  EXPECT_THAT(world.said(),
              AllOf(HasSubstr("waiting for other cores that may wait for us"),
                    HasSubstr("irqs off -> between_lock"), HasSubstr("between_lock -> test_lock"),
                    HasSubstr("test_lock -> other cores: cpu 1, task 2 (caller)")));
}

TEST(LockdepCores, NobodyWaitsForCoresWithIrqsOff) {
  TasksWorld world;
  std::string masked;
  world.task("t", 0, [&](Task& task) {
    task.core().irq_disable();
    masked = violation_of([&] { world.call_all(task.core()); });
    task.core().irq_enable();
  });
  EXPECT_EQ(world.said(), "");
  EXPECT_THAT(masked, AllOf(HasSubstr(
                          "waiting for other cores with irqs off: cpu 0, task 2 (t) waits in a cross-call")));
}

TEST(LockdepCores, AnInterruptDoesNotWaitForCores) {
  CoresWorld world(1);
  world.tick.body = [&](Core& core) { world.locks.observer()->waits_for_cores(core, "synchronize_rcu()"); };
  world.interrupt_at(5_us, 0);
  world.on(0, [&](Core& core) { work(core, 10_us); });
  EXPECT_THAT(world.said(),
              HasSubstr("waiting for other cores in an interrupt: cpu 0, in an interrupt waits in "
                        "synchronize_rcu()"));
}

TEST(LockdepCores, ACallUnderALockThatIsAlwaysTakenWithIrqsOnIsFine) {
  TasksWorld world;
  for (std::uint32_t cpu = 0; cpu < 2; ++cpu)
    world.task("t", cpu, [&](Task& task) {
      for (int i = 0; i < 10; ++i) {
        world.mmap_lock.down_write(task);
        world.page_table_lock->lock(task.core());
        world.call_all(task.core());
        world.page_table_lock->unlock(task.core());
        world.mmap_lock.up_write(task);
      }
    });
  EXPECT_EQ(world.said(), "");
}

} // namespace
} // namespace mmsim::tests::lockdep_context_test
