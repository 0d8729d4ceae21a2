// lockdep: orders of locks that are found at the first evidence, with both places and times.
#include "tests/support/lockdep_world.hpp"

namespace mmsim::tests::lockdep_order_test {
namespace {

// --- order

TEST(LockdepOrder, TwoLocksTakenInBothOrdersOneAfterTheOtherAreAnInversion) {
  TasksWorld world;
  world.task("fork", 0, [&](Task& task) {
    world.mmap_lock.down_write(task);
    work(task.core(), 10_us);
    world.i_mmap_rwsem.down_write(task);
    world.i_mmap_rwsem.up_write(task);
    world.mmap_lock.up_write(task);
  });
  world.task("truncate", 1, [&](Task& task) { // long after: the two never meet
    work(task.core(), 100_us);
    world.i_mmap_rwsem.down_read(task);
    work(task.core(), 10_us);
    world.mmap_lock.down_read(task);
  });
  const std::string said = world.said();
  EXPECT_THAT(
      said,
      AllOf(HasSubstr("lock order inversion"),
            HasSubstr("truncate) asks for mmap_lock with i_mmap_rwsem held"),
            HasSubstr("mmap_lock -> i_mmap_rwsem: cpu 0, task 2 (fork) took mmap_lock at "),
            HasSubstr(
                "i_mmap_rwsem -> mmap_lock: cpu 1, task 3 (truncate) took i_mmap_rwsem for reading at ")));
  // The times are those of the acquisitions: a few hundred nanoseconds after the work.
  EXPECT_THAT(said,
              testing::ContainsRegex("task 2 \\(fork\\) took mmap_lock at [0-9.]+ (us|ns), then asked for "
                                     "i_mmap_rwsem at 1[0-9][0-9.]* us"));
  EXPECT_THAT(said,
              testing::ContainsRegex("took i_mmap_rwsem for reading at 10[0-9][0-9.]* us, then asked for "
                                     "mmap_lock at 11[0-9][0-9.]* us"));
}

TEST(LockdepOrder, ACycleOfThreeLocksOfThreeCoresIsAnInversionWithAllItsLinks) {
  CoresWorld world(3);
  const auto a = world.locks.make("a_lock"), b = world.locks.make("b_lock"), c = world.locks.make("c_lock");
  const auto nest = [&](std::uint32_t cpu, SpinLock& outer, SpinLock& inner) {
    world.on(cpu, [&, cpu](Core& core) {
      work(core, 10_us + cpu * 10_us);
      outer.lock(core);
      inner.lock(core);
      inner.unlock(core);
      outer.unlock(core);
    });
  };
  nest(0, *a, *b);
  nest(1, *b, *c);
  nest(2, *c, *a);
  EXPECT_THAT(world.said(), AllOf(HasSubstr("lock order inversion: cpu 2 asks for a_lock with c_lock held"),
                                  HasSubstr("a_lock -> b_lock: cpu 0 took a_lock at 10."),
                                  HasSubstr("b_lock -> c_lock: cpu 1 took b_lock at 20."),
                                  HasSubstr("c_lock -> a_lock: cpu 2 took c_lock at 30.")));
}

TEST(LockdepOrder, LocksGivenBackInAnotherOrderLeaveTheRightOnesHeld) {
  CoresWorld world;
  const auto a = world.locks.make("a_lock"), b = world.locks.make("b_lock"), c = world.locks.make("c_lock");
  world.on(0, [&](Core& core) {
    a->lock(core);
    b->lock(core);
    a->unlock(core); // hand over hand
    c->lock(core);
    b->unlock(core);
    c->unlock(core);
    a->lock(core); // nothing is held any more
    a->unlock(core);
  });
  world.on(1, [&](Core& core) {
    work(core, 10_us);
    c->lock(core);
    b->lock(core);
  });
  EXPECT_THAT(world.said(), AllOf(HasSubstr("cpu 1 asks for b_lock with c_lock held"),
                                  HasSubstr("b_lock -> c_lock: cpu 0 took b_lock")));
}

TEST(LockdepOrder, OneClassUnderItselfIsRecursionUnlessASubclassSaysInWhichOrder) {
  TasksWorld world;
  std::string said;
  world.task("fork", 0, [&](Task& task) {
    world.mmap_lock.down_write(task);
    world.other_mmap_lock.down_write_nested(task, 1);
    world.other_mmap_lock.up_write(task);
    work(task.core(), 10_us);
    said = violation_of([&] { world.other_mmap_lock.down_write(task); });
    world.mmap_lock.up_write(task);
  });
  EXPECT_EQ(world.said(), "");
  EXPECT_THAT(said,
              AllOf(HasSubstr("possible recursive locking: cpu 0 takes mmap_lock, held by cpu 0 since "),
                    HasSubstr("with a subclass"), HasSubstr("task 2 (fork) at 1"),
                    HasSubstr("and asks for mmap_lock at 1")));
}

TEST(LockdepOrder, SubclassesNestedTheOtherWayRoundAreAnInversion) {
  CoresWorld world;
  const auto parent = world.locks.make("pte_lock"), child = world.locks.make("pte_lock");
  world.on(0, [&](Core& core) {
    child->lock(core);
    parent->lock_nested(core, 1);
    parent->unlock(core);
    child->unlock(core);
    work(core, 10_us);
    child->lock_nested(core, 1);
    parent->lock(core);
  });
  EXPECT_THAT(world.said(), AllOf(HasSubstr("asks for pte_lock with pte_lock/1 held"),
                                  HasSubstr("pte_lock -> pte_lock/1: cpu 0 took pte_lock at ")));
}

TEST(LockdepOrder, ATrylockIsHeldLikeAnyOtherButNobodyWaitsForIt) {
  CoresWorld world;
  const auto a = world.locks.make("a_lock"), b = world.locks.make("b_lock");
  LockObserver& observer = *world.locks.observer();
  const LockRequest tried{&world, world.counters.register_lock_class("tried_lock"), 0, LockMode::exclusive,
                          true};
  std::string said;
  world.on(0, [&](Core& core) {
    a->lock(core);
    observer.acquired(core, tried); // no edge a -> tried
    observer.releasing(core, tried);
    a->unlock(core);
    observer.acquired(core, tried);
    a->lock(core); // tried -> a: legal, the only one
    a->unlock(core);
    observer.releasing(core, tried);
    b->lock(core);
    observer.acquired(core, tried);
    a->lock(core); // tried -> a, and b -> a beneath it
    a->unlock(core);
    observer.releasing(core, tried);
    b->unlock(core);
    a->lock(core);
    said = violation_of([&] { b->lock(core); });
    a->unlock(core);
  });
  EXPECT_EQ(world.said(), "");
  EXPECT_THAT(said, HasSubstr("b_lock -> a_lock: cpu 0 took b_lock"));
}

TEST(LockdepOrder, AReaderThatWaitsForWritersOnlyMakesNoCycleWithReaders) {
  CoresWorld world(1);
  LockObserver& observer = *world.locks.observer();
  const auto lock = world.locks.make("a_lock"), between = world.locks.make("b_lock");
  const auto rwlock = [&](LockMode mode) -> LockRequest {
    return {&world, world.counters.register_lock_class("rwlock"), 0, mode};
  };
  std::string reader, writer, around;
  world.on(0, [&](Core& core) {
    lock->lock(core);
    observer.acquiring(core, rwlock(LockMode::recursive)); // waits for a writer inside only
    lock->unlock(core);
    const auto hold_and_ask = [&](LockMode mode) {
      return violation_of([&] {
        observer.acquired(core, rwlock(mode));
        lock->lock(core);
        lock->unlock(core);
        observer.releasing(core, rwlock(mode));
      });
    };
    reader = hold_and_ask(LockMode::recursive);
    around = violation_of(
        [&] { // a -> rwlock -> b -> a, but the reader of the first does not wait for the second's
          observer.acquired(core, rwlock(LockMode::recursive));
          between->lock(core);
          observer.releasing(core, rwlock(LockMode::recursive));
          lock->lock(core);
          lock->unlock(core);
          between->unlock(core);
        });
    writer = hold_and_ask(LockMode::exclusive);
  });
  EXPECT_EQ(world.said(), "");
  EXPECT_EQ(reader, "");
  EXPECT_EQ(around, "");
  EXPECT_THAT(writer, AllOf(HasSubstr("lock order inversion: cpu 0 asks for a_lock with rwlock held"),
                            HasSubstr("a_lock -> rwlock: cpu 0 took a_lock at ")));
}

TEST(LockdepOrder, AnRwlockReadUnderWhatItsWriterTakesIsAnInversion) {
  CoresWorld world;
  RwLock tasklist(world.locks, world.machine, "tasklist_lock");
  const auto signals = world.locks.make("sighand_lock");
  world.on(0, [&](Core& core) {
    work(core, 10_us);
    tasklist.write_lock(core);
    work(core, 5_us);
    signals->lock(core);
    signals->unlock(core);
    tasklist.write_unlock(core);
  });
  world.on(1, [&](Core& core) { // long after: the two never meet
    work(core, 100_us);
    signals->lock(core);
    work(core, 5_us);
    tasklist.read_lock(core);
  });
  EXPECT_THAT(
      world.said(),
      AllOf(HasSubstr("lock order inversion: cpu 1 asks for tasklist_lock with sighand_lock held"),
            testing::ContainsRegex("tasklist_lock -> sighand_lock: cpu 0 took tasklist_lock at 10[.0-9]* us, "
                                   "then asked for sighand_lock at 15[.0-9]* us"),
            testing::ContainsRegex("sighand_lock -> tasklist_lock: cpu 1 took sighand_lock at 100[.0-9]* us, "
                                   "then asked for tasklist_lock at 105[.0-9]* us")));
}

// Both only read; but a reader queues behind a writer who waits, except in an interrupt.
TEST(LockdepOrder, QueuedReadersCountAsWaitersAndThoseInInterruptsDoNot) {
  const auto said = [](bool in_interrupts) {
    return text_in_child([&] {
      CoresWorld world;
      RwLock tasklist(world.locks, world.machine, "tasklist_lock");
      const auto other = world.locks.make("other_lock");
      const auto reads_and_takes = [&](Core& core) {
        tasklist.read_lock(core);
        other->lock(core);
        other->unlock(core);
        tasklist.read_unlock(core);
      };
      const auto takes_and_reads = [&](Core& core) {
        other->lock(core);
        tasklist.read_lock(core);
        tasklist.read_unlock(core);
        other->unlock(core);
      };
      world.tick.body = [&](Core& core) {
        core.id() == CoreId(0) ? reads_and_takes(core) : takes_and_reads(core);
      };
      if (in_interrupts) world.interrupt_at(10_us, 0), world.interrupt_at(50_us, 1);
      world.on(0, [&](Core& core) {
        work(core, 20_us);
        if (!in_interrupts) reads_and_takes(core);
      });
      world.on(1, [&](Core& core) {
        work(core, 100_us);
        if (!in_interrupts) takes_and_reads(core);
      });
      return world.said();
    });
  };
  EXPECT_EQ(said(true), "");
  EXPECT_THAT(said(false),
              HasSubstr("lock order inversion: cpu 1 asks for tasklist_lock with other_lock held"));
}

} // namespace
} // namespace mmsim::tests::lockdep_order_test
